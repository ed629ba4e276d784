// The fields of one node. Each stands in the page as <template data-field="name">, with its words.
import { attribute, quoted, setAttribute, setInner } from "./visual_tree.js";
import * as text from "./visual_text.js";

const BOX = ["background-color", "padding"];
const FIELDS = {
  "mj-body": ["background-color", "width"],
  "mj-wrapper": BOX,
  "mj-section": [...BOX, "text-align"],
  "mj-group": ["background-color", "width", "vertical-align"],
  "mj-column": [...BOX, "width", "vertical-align"],
  "mj-hero": [...BOX, "background-url", "height"],
  "mj-text": ["content", "color", "font-size", "align", "container-background-color", "padding"],
  "mj-button": ["content", "href", "background-color", "color", "font-size", "align", "border-radius", "padding"],
  "mj-image": ["src", "alt", "href", "width", "align", "padding"],
  "mj-divider": ["border-color", "border-width", "padding"],
  "mj-spacer": ["height"],
  "mj-social": ["networks", "align", "icon-size", "padding"],
  "mj-social-element": ["href", "content", "alt"],
  "mj-navbar": ["align", "padding"],
  "mj-navbar-link": ["content", "href", "color", "padding"],
};

// What leads nowhere without an address.
const LINKS = new Set(["mj-button", "mj-social-element", "mj-navbar-link"]);

const decoder = new DOMParser();

// A raw value as a person reads it.
function plain(value) {
  const decode = (reference) => decoder.parseFromString(reference, "text/html").documentElement.textContent;
  return (value ?? "").replace(/&#?\w+;/g, decode);
}

function copied(name) {
  return document.querySelector(`template[data-field="${name}"]`).content.firstElementChild.cloneNode(true);
}

// `change(node)` is called after each change; `ask(before, after)` answers whether a text may be spelt anew;
// `library(node)` offers the images for it.
export class Properties {
  constructor(box, { change, ask, library }) {
    this.box = box;
    this.change = change;
    this.ask = ask;
    this.library = library;
    this.allowed = new WeakSet();
  }

  show(node, title) {
    this.node = node;
    const fields = node.locked ? [] : (FIELDS[node.name] ?? []);
    const heading = this.box.querySelector("[data-title]");
    heading.textContent = title;
    this.box.querySelector("[data-locked]").hidden = !node.locked;
    const list = this.box.querySelector("[data-fields]");
    list.replaceChildren(...fields.flatMap((name) => this.field(name) ?? []));
  }

  // The first field, or that of one attribute.
  focus(name) {
    const fields = this.box.querySelector("[data-fields]");
    const first = fields.querySelector("[contenteditable=true]") ?? fields.querySelector("input, select, textarea");
    const found = name === "src" ? fields.querySelector("[data-choose]") : name && fields.querySelector(`#p-${name}`);
    (found ?? first ?? this.box.querySelector("[data-title]")).focus();
  }

  field(name) {
    if (name === "networks") return this.networks();
    const made = copied(name);
    if (name === "content") this.written(made);
    else this.value(made, name);
    return made;
  }

  // The address of each network of a row of them, where nobody has to look for it.
  networks() {
    const networks = this.node.children.filter((child) => child.name === "mj-social-element");
    return networks.map((child, index) => {
      const made = copied("href");
      for (const one of made.querySelectorAll("[id], [for], [aria-describedby]")) {
        for (const key of ["id", "for", "aria-describedby"]) {
          if (one.hasAttribute(key)) one.setAttribute(key, `${one.getAttribute(key)}-${index}`);
        }
      }
      const name = plain(attribute(child, "alt")) || plain(child.inner).trim() || attribute(child, "name");
      const label = made.querySelector("label");
      label.textContent = label.dataset.of.replace("{name}", name);
      this.value(made, "href", child);
      return made;
    });
  }

  value(made, name, node = this.node) {
    const input = made.querySelector("[data-value]");
    const raw = attribute(node, name);
    input.value = plain(raw);
    if (input instanceof HTMLSelectElement && raw && input.value !== plain(raw)) {
      input.append(new Option(plain(raw), plain(raw), true, true));
    }
    const set = (value) => {
      setAttribute(node, name, value === "" && name !== "alt" ? null : quoted(value));
      this.change(node);
    };
    input.addEventListener("input", () => set(input.value.trim()));
    const colour = made.querySelector("[type=color]");
    if (colour) {
      const show = () => {
        if (/^#[0-9a-f]{6}$/i.test(input.value)) colour.value = input.value;
        // a picker without a colour shows black, which nobody chose
        colour.toggleAttribute("data-none", input.value.trim() === "");
      };
      show();
      input.addEventListener("input", show);
      colour.addEventListener("input", () => {
        set((input.value = colour.value));
        show();
      });
    }
    made.querySelector("[data-decorative]")?.addEventListener("change", (event) => this.decorative(event.target, input));
    if (name === "alt") this.describe(made, input, raw);
    else this.asked(made, input, LINKS.has(node.name) || name === "src");
    made.querySelector("[data-choose]")?.addEventListener("click", () => this.library(node));
    made.querySelector("[data-pick]")?.addEventListener("change", ({ target }) => {
      if (!target.value) return;
      input.value += target.value;
      target.value = "";
      input.dispatchEvent(new Event("input"));
    });
  }

  // No attribute: nobody said yet what the picture shows. An empty one: it is decoration.
  describe(made, input, raw) {
    const box = made.querySelector("[data-decorative]");
    box.checked = raw === "";
    input.disabled = box.checked;
    made.querySelector("[data-missing]").hidden = raw !== null;
    input.addEventListener("input", () => {
      made.querySelector("[data-missing]").hidden = input.value.trim() !== "";
      if (input.value.trim() === "") setAttribute(this.node, "alt", null);
    });
  }

  // Says beside the field that it has to be filled in, until it is.
  asked(made, input, wanted) {
    const missing = made.querySelector("[data-missing]");
    if (!missing) return;
    const say = () => (missing.hidden = !wanted || input.value.trim() !== "");
    input.addEventListener("input", say);
    say();
  }

  decorative(box, input) {
    input.disabled = box.checked;
    if (box.checked) input.value = "";
    setAttribute(this.node, "alt", box.checked ? "" : null);
    box.closest(".field").querySelector("[data-missing]").hidden = box.checked;
    this.change(this.node);
  }

  written(made) {
    const { node } = this;
    const field = made.querySelector("[contenteditable]");
    const asked = made.querySelector("[data-ask]");
    text.show(field, node.inner);
    const after = this.allowed.has(node) ? null : text.changes(node.inner);
    if (after !== null) {
      field.contentEditable = "false";
      asked.hidden = false;
      asked.querySelector("button").addEventListener("click", async () => {
        if (!(await this.ask(node.inner, after))) return;
        this.allowed.add(node);
        field.contentEditable = "true";
        asked.hidden = true;
        field.focus();
      });
    }
    const take = () => {
      setInner(node, text.read(field, node.inner));
      this.change(node);
    };
    field.addEventListener("input", take);
    field.addEventListener("paste", text.pasteWords);
    this.buttons(made, field, take);
  }

  buttons(made, field, take) {
    const link = made.querySelector("[data-link]");
    let range = null;
    field.addEventListener("blur", () => {
      const selection = document.getSelection();
      range = selection.rangeCount ? selection.getRangeAt(0).cloneRange() : null;
    });
    const restore = () => {
      field.focus();
      if (!range || !field.contains(range.commonAncestorContainer)) return;
      document.getSelection().removeAllRanges();
      document.getSelection().addRange(range);
    };
    for (const button of made.querySelectorAll("[data-act]")) {
      button.addEventListener("click", () => {
        if (field.contentEditable !== "true") return;
        restore();
        text.act(field, button.dataset.act, link.value.trim());
        take();
      });
    }
    made.querySelector("[data-pick]").addEventListener("change", ({ target }) => {
      if (!target.value || field.contentEditable !== "true") return;
      restore();
      text.insertTag(field, target.value);
      target.value = "";
      take();
    });
  }
}
