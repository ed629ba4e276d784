// The sketch of the mail to choose and drag parts on: GrapesJS with grapesjs-mjml, the only file that knows them.
//
// It owns nothing: the tree of visual.js is what is kept. What is pulled about changes the tree (visual_drag.js), and a
// change of the tree is drawn here; what GrapesJS makes of attributes and texts never reaches the source.
import grapesjs from "grapesjs";
import * as mjml from "grapesjs-mjml";
import "grapesjs/dist/css/grapes.min.css";
import "./visual_canvas.css";
import { Dragging } from "./visual_drag.js";
import { brandOf, lookOf, ourPictures } from "./visual_look.js";
import { accepts, CONTAINERS, LEAVES } from "./visual_tags.js";
import { attribute } from "./visual_tree.js";

const LOCKED = { row: "mailer-locked-row", box: "mailer-locked" };
// What a mouse finds in an empty part, and where it is.
const FRAME = `
  body { margin: 0; background: #fff; }
  [data-gjs-type="mj-column"], [data-gjs-type="mj-section"] { min-height: 40px; }
  [data-gjs-type="mj-column"] { outline: 1px dashed #76828f; outline-offset: -1px; }
  .mailer-locked { display: block; padding: 8px; border: 1px dashed #52606d; background: #eef1f4; color: #1f2933;
    font: 14px/20px system-ui, sans-serif; text-align: left; }
  .mailer-line { position: absolute; z-index: 9; background: #0b5394; pointer-events: none; }
  .mailer-line[hidden] { display: none; }
  [data-gjs-type] { touch-action: manipulation; }
  .mailer-gap { padding: 0 4px; border: 1px dashed #52606d; background: #eef1f4; color: #1f2933;
    font: 14px/20px system-ui, sans-serif; }
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
    this.brand = brandOf(box.dataset);
    this.grapes = grapesjs.init({
      container: box,
      // written as a style of the box: a share of its own height would be none
      height: "clamp(24rem, 100vh - 12rem, 46rem)",
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
    const frame = this.grapes.Canvas.getFrameEl();
    frame.title = this.box.dataset.frame;
    // one more, by which it notices a new width
    for (const other of this.box.querySelectorAll("iframe:not([title])")) other.setAttribute("aria-hidden", "true");
    frame.contentDocument.addEventListener("dblclick", () => this.editor.properties.focus());
    frame.contentDocument.addEventListener("keydown", (event) => this.editor.key(event));
    this.dragging = new Dragging(frame, {
      element: (node) => this.component(node)?.view?.el,
      body: () => this.editor.tree.body,
      drop: (node, place) => this.editor.dropped(node, place),
    });
    for (const button of this.editor.page.querySelectorAll("[data-block]")) {
      this.dragging.offer(button, () => this.editor.made(button.dataset.block));
    }
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
    this.head = lookOf.head(tree.before, this.brand);
    this.nodes.clear();
    this.grapes.setComponents([{ type: "mjml", ...plainModel, components: [this.definition(tree.body)] }]);
    this.register(this.grapes.getWrapper());
  }

  definition(node) {
    this.count += 1;
    const nodeKey = String(this.count);
    this.nodes.set(nodeKey, node);
    const gap = this.gap(node);
    if (gap || node.locked || !(CONTAINERS.has(node.name) || LEAVES.has(node.name))) {
      const type = accepts({ name: "mj-column" }, node) || node.parent?.name === "mj-column" ? LOCKED.row : LOCKED.box;
      const words = this.editor.titled(node, gap || this.box.dataset.locked);
      return { ...plainModel, type, nodeKey, words };
    }
    const made = { ...plainModel, type: node.name, nodeKey, tagName: node.name, attributes: lookOf.attributes(node, this.pictures, this.brand) };
    if (node.children) made.components = node.children.map((child) => this.definition(child));
    else made.content = lookOf.content(node, this.pictures, this.brand);
    return made;
  }

  // What an image lacks to be shown at all, or "".
  gap(node) {
    if (node.name !== "mj-image") return "";
    const source = attribute(node, "src") ?? "";
    return source ? this.brand.gap(source) : this.box.dataset.noImage;
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
    const gap = this.gap(node);
    if ((component.get("words") ?? "") !== (gap && this.editor.titled(node, gap)) && !node.locked) return this.replace(node, component);
    if (!node.children) component.set("content", lookOf.content(node, this.pictures, this.brand), { silent: true });
    component.set("attributes", lookOf.attributes(node, this.pictures, this.brand), { silent: true });
    component.view.render();
  }

  // An image that is there now takes the place of its gap, and the other way round.
  replace(node, component) {
    const [made] = component.replaceWith(this.definition(node));
    this.register(made);
    this.select(node);
  }
}

// nothing of it moves or is written on by GrapesJS itself
const plainModel = { draggable: false, editable: false, copyable: false, removable: true, toolbar: [], traits: [], stylable: [] };

globalThis.mailerCanvas((box, editor) => new Canvas(box, editor));
