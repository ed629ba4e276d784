// The sketch of the mail to choose and drag parts on: GrapesJS with grapesjs-mjml, the only file that knows them.
//
// It owns nothing: the tree of visual.js is what is kept. A drag is read back into the tree, a change of the tree is
// drawn here; what GrapesJS makes of attributes and texts never reaches the source.
import grapesjs from "grapesjs";
import * as mjml from "grapesjs-mjml";
import "grapesjs/dist/css/grapes.min.css";
import "./visual_canvas.css";
import { lookOf, ourPictures } from "./visual_look.js";
import { accepts, CONTAINERS, LEAVES, parents } from "./visual_tags.js";
import { fragment } from "./visual_tree.js";

const LOCKED = { row: "mailer-locked-row", box: "mailer-locked" };
// What a mouse finds in an empty part, and where it is.
const FRAME = `
  body { margin: 0; background: #fff; }
  [data-gjs-type="mj-column"], [data-gjs-type="mj-section"] { min-height: 40px; }
  [data-gjs-type="mj-column"] { outline: 1px dashed #76828f; outline-offset: -1px; }
  .mailer-locked { display: block; padding: 8px; border: 1px dashed #52606d; background: #eef1f4; color: #1f2933;
    font: 14px/20px system-ui, sans-serif; text-align: left; }
`;

// a CommonJS file, whose one function is its default
const plugin = mjml.default.default ?? mjml.default;
const PLUGIN = { blocks: [], fonts: {}, resetDevices: false, resetStyleManager: false, useCustomTheme: false };

class Canvas {
  constructor(box, editor) {
    this.box = box;
    this.editor = editor;
    this.nodes = new Map();
    this.components = new WeakMap();
    this.count = 0;
    this.pictures = ourPictures(box.dataset);
    this.grapes = grapesjs.init({
      container: box,
      height: "100%",
      components: [],
      // nothing of its own to load from elsewhere, to tell anybody, or to store
      cssIcons: "",
      telemetry: false,
      storageManager: false,
      noticeOnUnload: false,
      // its panels are ours (structure, properties, blocks); its keys w, a, s, d and Backspace meet WCAG 2.1.4 nowhere
      panels: { defaults: [] },
      keymaps: { defaults: {} },
      blockManager: { custom: true },
      layerManager: { custom: true },
      styleManager: { custom: true },
      traitManager: { custom: true },
      selectorManager: { custom: true },
      richTextEditor: { custom: true },
      canvas: { frameStyle: FRAME },
      plugins: [(grapes) => plugin(grapes, { ...PLUGIN, customComponents: [(_, core) => this.types(grapes, core)] })],
    });
    this.grapes.UndoManager.stop();
    this.grapes.Panels.getPanels().reset();
    this.grapes.on("load", () => this.loaded());
  }

  loaded() {
    this.open(this.editor.tree);
    this.select(this.editor.chosen);
    this.grapes.on("component:selected", (component) => this.selected(component));
    this.grapes.on("component:drag:end block:drag:stop", () => setTimeout(() => this.readBack()));
    const frame = this.grapes.Canvas.getFrameEl();
    frame.title = this.box.dataset.frame;
    // one more, by which it notices a new width
    for (const other of this.box.querySelectorAll("iframe:not([title])")) other.setAttribute("aria-hidden", "true");
    frame.contentDocument.addEventListener("dblclick", () => this.editor.properties.focus());
    frame.contentDocument.addEventListener("keydown", (event) => this.editor.key(event));
    for (const button of this.editor.page.querySelectorAll("[data-block]")) this.draggable(button);
    this.box.dataset.ready = "";
  }

  // What GrapesJS may do with each tag, and a type for what it may not touch.
  types(grapes, { opt }) {
    const compile = opt.mjmlParser;
    opt.mjmlParser = (source, options) => {
      const made = compile(source.replace("<mjml>", `<mjml>${this.head ?? ""}`), options);
      return { ...made, html: this.pictures.only(made.html) };
    };
    for (const name of [...CONTAINERS, ...LEAVES]) {
      grapes.Components.addType(name, {
        model: {
          defaults: {
            ...plainModel,
            draggable: query(parents(name)),
            // else every text would get sizes that its author did not choose
            "style-default": {},
          },
        },
        view: { onActive() {} },
      });
    }
    for (const [kind, type] of Object.entries(LOCKED)) {
      grapes.Components.addType(type, {
        model: { defaults: { ...plainModel, droppable: false } },
        view: {
          tagName: kind === "row" ? "tr" : "div",
          onRender({ el, model }) {
            const cell = document.createElement(kind === "row" ? "td" : "div");
            cell.className = "mailer-locked";
            cell.textContent = model.get("words");
            el.replaceChildren(cell);
          },
        },
      });
    }
  }

  open(tree) {
    this.head = lookOf.head(tree.before);
    this.nodes.clear();
    this.grapes.setComponents([{ type: "mjml", ...plainModel, components: [this.definition(tree.body)] }]);
    this.register(this.grapes.getWrapper());
  }

  definition(node) {
    this.count += 1;
    const nodeKey = String(this.count);
    this.nodes.set(nodeKey, node);
    if (node.locked || !(CONTAINERS.has(node.name) || LEAVES.has(node.name))) {
      const type = accepts({ name: "mj-column" }, node) || node.parent?.name === "mj-column" ? LOCKED.row : LOCKED.box;
      const words = `${this.editor.name(node)}: ${this.box.dataset.locked}`;
      return { ...plainModel, type, nodeKey, words, draggable: node.name ? query(parents(node.name)) : false };
    }
    const made = { ...plainModel, type: node.name, nodeKey, tagName: node.name, attributes: lookOf.attributes(node, this.pictures) };
    if (node.children) made.components = node.children.map((child) => this.definition(child));
    else made.content = lookOf.content(node, this.pictures);
    return made;
  }

  register(component) {
    const node = this.nodes.get(component.get("nodeKey"));
    if (node) this.components.set(node, component);
    component.components().forEach((child) => this.register(child));
  }

  component(node) {
    const found = this.components.get(node);
    return found && this.nodes.get(found.get("nodeKey")) === node && found.parent() ? found : null;
  }

  select(node) {
    const component = this.component(node);
    if (!component || this.grapes.getSelected() === component) return;
    this.quiet = true;
    this.grapes.select(component);
    this.quiet = false;
    this.grapes.Canvas.scrollTo?.(component, { behavior: "auto" });
  }

  selected(component) {
    let at = component;
    while (at && !this.nodes.has(at.get("nodeKey"))) at = at.parent();
    const node = at && this.nodes.get(at.get("nodeKey"));
    if (node && !this.quiet && node !== this.editor.chosen) this.editor.choose(node);
  }

  // A button of the palette that a mouse pulls over the sketch.
  draggable(button) {
    const { Blocks } = this.grapes;
    const block = Blocks.add(button.dataset.block, { label: button.textContent });
    button.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text", button.dataset.block);
      block.set("content", this.definition(fragment(button.dataset.source)));
      Blocks.startDrag(block, event);
    });
    button.addEventListener("dragend", () => Blocks.endDrag());
  }

  // After a drag: the order that is seen becomes the tree's, where MJML allows it.
  readBack() {
    const { body } = this.editor.tree;
    const put = this.taken(this.component(body), body);
    this.register(this.grapes.getWrapper());
    if (put.length === 0) return this.arrange();
    return this.editor.rearranged(put.at(-1));
  }

  taken(component, parent) {
    const put = [];
    const children = [];
    component.components().forEach((child) => {
      const node = this.nodes.get(child.get("nodeKey"));
      if (node && (node.parent === parent || accepts(parent, node))) children.push([node, child]);
    });
    const before = parent.children;
    parent.children = children.map(([node]) => node);
    for (const [index, [node, child]] of children.entries()) {
      if (node.parent !== parent) {
        if (node.parent) node.parent.children = node.parent.children.filter((one) => one !== node);
        node.gap = null;
        node.parent = parent;
        put.push(node);
      } else if (before[index] !== node && before.length === children.length) {
        put.push(node);
      }
      if (node.children) put.push(...this.taken(child, node));
    }
    return put;
  }

  // Draws the order of the tree; what stands right already stays.
  arrange() {
    const { body } = this.editor.tree;
    this.sync(this.component(body), body);
  }

  sync(component, node) {
    const shown = component.components();
    node.children.forEach((child, index) => {
      const own = this.component(child);
      if (!own) {
        const [made] = component.append(this.definition(child), { at: index });
        this.register(made);
        return;
      }
      if (shown.at(index) !== own) own.move(component, { at: index });
      if (child.children) this.sync(own, child);
    });
    while (shown.length > node.children.length) shown.at(shown.length - 1).remove();
  }

  redraw(node) {
    const component = this.component(node);
    if (!component) return;
    if (!node.children) component.set("content", lookOf.content(node, this.pictures), { silent: true });
    component.set("attributes", lookOf.attributes(node, this.pictures), { silent: true });
    component.view.render();
  }
}

const query = (names) => names.map((name) => `[data-gjs-type="${name}"]`).join(", ") || false;
const plainModel = { editable: false, copyable: false, removable: true, toolbar: [], traits: [], stylable: [] };

globalThis.mailerCanvas((box, editor) => new Canvas(box, editor));
