// The visual editor: <form data-visual> keeps the source; the panels beside it show and change it.
//
//     source ─ visual_tree.js ─▶ tree ─▶ structure, properties, canvas
//        ▲                        │ changed by visual_moves.js and visual_properties.js
//        └──────── write ◀────────┘   (autosave.js and the form store it, as in the code editor)
//
// The canvas (GrapesJS, visual_canvas.js) is a script of its own: a narrow page, and one where it fails, works without.
import "./visual.css";
import { Library } from "./visual_library.js";
import { addAfter, duplicate, move, put, remove } from "./visual_moves.js";
import { Problems } from "./visual_problems.js";
import { Properties } from "./visual_properties.js";
import { Structure } from "./visual_structure.js";
import { attribute, fragment, parse, Unreadable, walk, write } from "./visual_tree.js";

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
      library: (node) => this.library.open(node),
    });
    this.library = new Library(this.page.querySelector("[data-library]"), {
      put: (node) => this.changed(node),
      closed: (node) => this.picked(node),
    });
    this.problems = new Problems(this.page, form, {
      tree: () => this.tree,
      choose: (node) => this.lead(node),
      label: (node) => this.structure.label(node),
    });
    this.listen();
    this.choose(this.chosen);
    this.loadCanvas();
    this.problems.check();
  }

  listen() {
    for (const button of this.page.querySelectorAll("[data-block]")) {
      // whoever presses with a mouse stays where they look; the keyboard goes to what is new
      button.addEventListener("click", ({ detail }) => this.add(button.dataset.block, { focus: detail ? "" : "choose" }));
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

  titled(node, words) {
    return `${this.name(node)}${this.words.colon}${words}`;
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
    if (what === "duplicate") return this.added(duplicate(node), "choose");
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

  add(block, { focus }) {
    this.placed(addAfter(this.tree.body, this.chosen, this.made(block), (node) => this.wrapped(node)), focus);
  }

  // Pulled to a place with the mouse: a part of the message, or a new block.
  dropped(node, { parent, index, wrap }) {
    const known = node.parent;
    if (wrap && known) known.children.splice(known.children.indexOf(node), 1);
    if (wrap) node.gap = null;
    put(wrap ? this.wrapped(node) : node, parent, index);
    if (known) this.moved(node);
    else this.placed(node);
  }

  // A new image is nothing before somebody says which.
  placed(node, focus) {
    this.added(node, focus);
    if (node.name === "mj-image" && !attribute(node, "src")) this.library.open(node);
  }

  // The library was closed, with or without an image: what the block still asks for is said beside it.
  picked(node) {
    if (node !== this.chosen) return;
    this.properties.show(node, this.name(node));
    this.properties.focus(attribute(node, "src") && attribute(node, "alt") === null ? "alt" : "src");
  }

  // From a finding to its block; one that was deleted meanwhile is nowhere.
  lead(node) {
    if ([...walk(this.tree.body)].includes(node)) this.choose(node, { focus: "choose" });
  }

  wrapped(node) {
    const section = this.made("section");
    node.parent = section.children[0];
    section.children[0].children = [node];
    return section;
  }

  added(node, focus) {
    this.rearranged(node, focus);
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
    this.problems.later();
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
    // what is drawn anew takes its focus with it
    const held = document.activeElement?.closest?.("[data-structure], [data-properties]");
    this.tree = parse(source);
    this.store({ keep: false });
    const nodes = [...walk(this.tree.body)];
    this.canvas?.open(this.tree);
    this.choose(nodes[Math.min(place, nodes.length - 1)], { focus: held && "choose" });
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
