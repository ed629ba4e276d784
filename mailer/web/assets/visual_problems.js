// What the server's linter says of the source, each finding with the block that it is about.
import { parse, walk } from "./visual_tree.js";

const CHECK_MS = 600;

export class Problems {
  // `tree()` is what is written now; `choose(node)` leads to it; `label(node)` is what its button in the structure says.
  constructor(page, form, { tree, choose, label }) {
    this.form = form;
    this.list = page.querySelector("[data-problems]");
    this.count = page.querySelector("[data-problems-count]");
    this.told = page.querySelector("template[data-advice]").content;
    Object.assign(this, { tree, choose, label });
    this.asked = 0;
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), CHECK_MS);
  }

  async check() {
    const mine = ++this.asked;
    const source = this.form.elements.namedItem("source").value;
    const answer = await fetch(this.form.dataset.lintUrl, {
      method: "POST",
      body: new FormData(this.form),
      headers: { Accept: "application/json" },
    }).catch(() => null);
    if (!answer?.ok) return;
    const { findings, summary } = await answer.json();
    // typed on meanwhile: the next answer is the one that fits
    if (mine !== this.asked || source !== this.form.elements.namedItem("source").value) return;
    this.count.textContent = summary;
    const places = spans(source);
    this.list.replaceChildren(...findings.map((finding) => this.item(finding, source, places)));
  }

  item(finding, source, places) {
    const item = document.createElement("li");
    const kind = document.createElement("strong");
    kind.textContent = this.list.dataset[finding.kind];
    item.append(kind, " · ", this.place(finding, source, places), this.list.dataset.colon, this.words(finding));
    return item;
  }

  place(finding, source, places) {
    if (!finding.line) return this.list.dataset.whole;
    const index = at(source, finding, places);
    const node = [...walk(this.tree().body)][index];
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-link";
    button.textContent = this.label(node);
    // what was there may have moved since: it is the node that counts, wherever it stands by then
    button.addEventListener("click", () => this.choose(node));
    return button;
  }

  // What is to be done in this editor, where the linter speaks of the code.
  words({ code, message, fix }) {
    const own = this.told.querySelector(`[data-code="${CSS.escape(code)}"]`);
    if (own) return own.textContent;
    return fix && !message.includes(fix) ? `${message} ${fix}` : message;
  }
}

// First and last place of each node of the body, in the order of `walk`.
function spans(source) {
  const found = [];
  const tree = parse(source);
  const visit = (node, from) => {
    const span = { start: from + node.gap.length, end: 0, leaf: !node.children?.length };
    found.push(span);
    let place = span.start + node.open.length;
    for (const child of node.children ?? []) place = visit(child, place);
    span.end = place + node.inner.length + (node.tail ?? "").length + node.close.length;
    return span.end;
  };
  visit(tree.body, tree.before.length);
  return found;
}

// Which of the nodes a finding is about: the innermost at its column, or the first block of its line.
function at(source, { line, column }, places) {
  const start = source.split("\n", line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const end = (source.indexOf("\n", start) + 1 || source.length + 1) - 1;
  const point = start + column - 1;
  const last = (test) => places.reduce((found, span, index) => (test(span) ? index : found), -1);
  if (column > 1) return Math.max(last((span) => span.start <= point && point < span.end), 0);
  const begun = places.findIndex((span) => span.leaf && start <= span.start && span.start <= end);
  return begun >= 0 ? begun : Math.max(last((span) => span.start <= end && start < span.end), 0);
}
