// The visual editor: <form data-visual> keeps the source; the panels beside it show and change it.
//
//     source ─ visual_tree.js ─▶ tree ─▶ structure, properties, canvas
//        ▲                        │ changed by visual_moves.js and visual_properties.js
//        └──────── write ◀────────┘   (autosave.js and the form store it, as in the code editor)
//
// The canvas (GrapesJS, visual_canvas.js) is a script of its own: a narrow page, and one where it fails, works without.
import "./visual.css";
import { addAfter, duplicate, move, remove } from "./visual_moves.js";
import { Properties } from "./visual_properties.js";
import { Structure } from "./visual_structure.js";
import { fragment, parse, Unreadable, walk, write, written } from "./visual_tree.js";

const CHECK_MS = 600;
const WIDE = "(min-width: 992px)";
const MOST_STEPS = 100;

class Editor {
  constructor(form) {
    this.form = form;
    this.page = form.closest("[data-visual-page]");
    this.area = form.elements.namedItem("source");
    this.status = this.page.querySelector("[data-said]");
    this.words = this.status.dataset;
    this.steps = [this.area.value];
    this.step = 0;
    this.tree = parse(this.area.value);
    this.chosen = this.tree.body;
    this.structure = new Structure(this.page.querySelector("[data-structure]"), {
      run: (what, node) => this.run(what, node),
      name: (node) => this.name(node),
    });
    this.properties = new Properties(this.page.querySelector("[data-properties]"), {
      change: (node) => this.changed(node),
      ask: (before, after) => this.ask(before, after),
    });
    this.listen();
    this.choose(this.chosen);
    this.loadCanvas();
    this.check();
  }

  listen() {
    for (const button of this.page.querySelectorAll("[data-block]")) {
      button.addEventListener("click", () => this.add(button.dataset.block));
    }
    this.page.querySelector("[data-undo]").addEventListener("click", () => this.go(-1));
    this.page.querySelector("[data-redo]").addEventListener("click", () => this.go(1));
    this.page.addEventListener("keydown", (event) => this.key(event));
  }

  // Undo by keys, but for the fields that have an undo of their own.
  key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.target.closest?.("input, textarea, [contenteditable=true]")) return;
    const letter = event.key.toLowerCase();
    if (letter !== "z" && letter !== "y") return;
    event.preventDefault();
    this.go(letter === "y" || event.shiftKey ? 1 : -1);
  }

  name(node) {
    const names = this.page.querySelector("[data-names]").content;
    const said = (tag) => names.querySelector(`[data-tag="${tag}"]`)?.textContent;
    if (!node.name) return said(node.open.startsWith("<!--") ? "comment" : "condition");
    return said(node.name) ?? said("other").replace("{tag}", node.name);
  }

  say(words, values = {}) {
    this.status.textContent = words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  choose(node, { focus } = {}) {
    this.chosen = node;
    this.structure.render(this.tree.body, node);
    this.properties.show(node, this.name(node));
    this.canvas?.select(node);
    if (focus) this.structure.focus(node, focus);
  }

  run(what, node) {
    const { body } = this.tree;
    if (what === "choose") return this.choose(node, { focus: "choose" });
    if (what === "properties") return this.properties.focus();
    if (what === "after") {
      this.say(this.words.pick, { name: this.name(node) });
      return this.page.querySelector("[data-block]").focus();
    }
    if (what === "up" || what === "down") {
      if (move(body, node, what === "up" ? -1 : 1)) this.moved(node, what);
      return undefined;
    }
    if (what === "duplicate") return this.added(duplicate(node));
    return this.removed(node);
  }

  moved(node, what) {
    this.rearranged(node, what);
    const { children } = node.parent;
    const values = { n: children.indexOf(node) + 1, count: children.length, parent: this.name(node.parent) };
    this.say(this.words.moved, { name: this.name(node), ...values });
  }

  removed(node) {
    const { children } = node.parent;
    const at = children.indexOf(node);
    remove(node);
    this.rearranged(children[at] ?? children[at - 1] ?? node.parent, "choose");
    this.say(this.words.removed, { name: this.name(node) });
  }

  made(block) {
    return fragment(this.page.querySelector(`[data-block="${block}"]`).dataset.source);
  }

  add(block) {
    this.added(addAfter(this.tree.body, this.chosen, this.made(block), (node) => this.wrapped(node)));
  }

  wrapped(node) {
    const section = this.made("section");
    node.parent = section.children[0];
    section.children[0].children = [node];
    return section;
  }

  added(node) {
    this.rearranged(node, "choose");
    this.say(this.words.added, { name: this.name(node) });
  }

  rearranged(node, focus) {
    this.store();
    this.canvas?.arrange();
    this.choose(node, { focus });
  }

  // A value of the node changed in the properties, which keep the focus.
  changed(node) {
    this.store();
    this.structure.render(this.tree.body, this.chosen);
    this.canvas?.redraw(node);
  }

  store({ keep = true } = {}) {
    const source = write(this.tree);
    if (source === this.area.value) return;
    this.area.value = source;
    if (keep) {
      this.steps.splice(this.step + 1, this.steps.length, source);
      if (this.steps.length > MOST_STEPS) this.steps.shift();
      this.step = this.steps.length - 1;
    }
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), CHECK_MS);
  }

  // A step back or forth; the place in the tree stays.
  go(by) {
    const source = this.steps[this.step + by];
    if (source === undefined) return this.say(by < 0 ? this.words.first : this.words.last);
    this.step += by;
    this.load(source);
    return this.say(by < 0 ? this.words.undone : this.words.redone);
  }

  load(source) {
    const place = [...walk(this.tree.body)].indexOf(this.chosen);
    this.tree = parse(source);
    this.store({ keep: false });
    const nodes = [...walk(this.tree.body)];
    this.canvas?.open(this.tree);
    this.choose(nodes[Math.min(place, nodes.length - 1)]);
  }

  // What writing a text here would change although nobody typed it; answers whether that is wanted.
  ask(before, after) {
    const dialog = this.page.querySelector("[data-difference]");
    dialog.querySelector("[data-before]").textContent = before;
    dialog.querySelector("[data-after]").textContent = after;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  async check() {
    const answer = await fetch(this.form.dataset.checkUrl, {
      method: "POST",
      body: new FormData(this.form),
      headers: { Accept: "application/json" },
    }).catch(() => null);
    if (!answer?.ok) return;
    const { problems, summary } = await answer.json();
    this.page.querySelector("[data-problems-count]").textContent = summary;
    this.page.querySelector("[data-problems]").replaceChildren(...problems.map((problem) => this.problem(problem)));
  }

  problem({ line, message }) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-link";
    button.textContent = message;
    button.addEventListener("click", () => this.choose(this.at(line), { focus: "choose" }));
    item.append(button);
    return item;
  }

  // The innermost node on that line of the source.
  at(line) {
    let found = this.tree.body;
    let place = 0;
    const visit = (node, start) => {
      const gap = node === this.tree.body ? "" : (node.gap ?? "");
      const from = start + lines(gap);
      const whole = lines(written(node));
      if (from <= line && line <= start + whole) found = node;
      place = from + lines(node.open);
      for (const child of node.children ?? []) {
        const next = place;
        visit(child, next);
        place = next + lines(written(child));
      }
    };
    visit(this.tree.body, 1 + lines(this.tree.before));
    return found;
  }

  loadCanvas() {
    const wide = matchMedia(WIDE);
    const load = () => {
      if (!wide.matches || this.asked) return;
      this.asked = true;
      globalThis.mailerCanvas = (open) => (this.canvas = open(this.page.querySelector("[data-canvas]"), this));
      const sheet = document.createElement("link");
      sheet.rel = "stylesheet";
      sheet.href = this.form.dataset.canvasStyles;
      const script = document.createElement("script");
      script.src = this.form.dataset.canvasScript;
      document.head.append(sheet, script);
    };
    wide.addEventListener("change", load);
    load();
  }
}

const lines = (text) => text.split("\n").length - 1;

function start(form) {
  try {
    form.editor = new Editor(form);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const page = form.closest("[data-visual-page]");
    const said = page.querySelector("[data-unreadable]");
    said.querySelector("[data-reason]").textContent = said.dataset.words.replace("{line}", error.line);
    said.hidden = false;
    page.querySelector("[data-panels]").remove();
  }
}

document.querySelectorAll("form[data-visual]").forEach(start);
