// The ordered tree of all that the body holds, with real buttons: what the canvas does by mouse, done by keyboard.
import { canMove } from "./visual_moves.js";

const MUCH = 60;

export class Structure {
  // `run(what, node)` carries out what a button says; `name(node)` is its word.
  constructor(list, { run, name }) {
    this.list = list;
    this.run = run;
    this.name = name;
    this.template = list.parentElement.querySelector("template[data-node]");
    this.keys = new WeakMap();
    this.nodes = new Map();
    list.addEventListener("click", (event) => this.pressed(event));
  }

  key(node) {
    if (!this.keys.has(node)) this.keys.set(node, String(this.nodes.size + 1));
    const key = this.keys.get(node);
    this.nodes.set(key, node);
    return key;
  }

  pressed(event) {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    this.run(button.dataset.do, this.nodes.get(button.closest("[data-key]").dataset.key));
  }

  render(body, chosen) {
    this.list.replaceChildren(this.item(body, body, chosen));
  }

  item(node, body, chosen) {
    const made = this.template.content.firstElementChild.cloneNode(true);
    made.dataset.key = this.key(node);
    const choose = made.querySelector("[data-do=choose]");
    choose.textContent = this.label(node);
    choose.setAttribute("aria-pressed", String(node === chosen));
    const actions = made.querySelector("[data-actions]");
    if (node === chosen) {
      for (const button of actions.querySelectorAll("[data-do]")) {
        button.hidden = !this.offers(button.dataset.do, node, body);
        button.setAttribute("aria-label", `${button.textContent}: ${choose.textContent}`);
      }
    } else {
      actions.remove();
    }
    const inside = made.querySelector("[data-inside]");
    if (node.children?.length) inside.append(...node.children.map((child) => this.item(child, body, chosen)));
    else inside.remove();
    return made;
  }

  label(node) {
    const excerpt = words(node);
    return this.name(node) + (excerpt ? ` ${excerpt}` : "");
  }

  offers(what, node, body) {
    if (what === "up") return canMove(body, node, -1);
    if (what === "down") return canMove(body, node, 1);
    if (what === "duplicate" || what === "remove") return node !== body;
    return true;
  }

  // The button of that node, or where a person goes on when it is gone.
  focus(node, what = "choose") {
    const item = this.list.querySelector(`[data-key="${this.key(node)}"]`);
    const own = item?.querySelector(`:scope > div [data-do="${what}"]`);
    const found = own && !own.hidden ? own : item?.querySelector("[data-do=choose]");
    (found ?? this.list.querySelector("[data-do=choose]")).focus();
  }
}

// The first words of a node, to tell one text from another.
function words(node) {
  if (node.children) return "";
  const label = /\salt="([^"]*)"/.exec(node.open)?.[1] ?? "";
  const said = (node.name ? node.inner || label : node.open.replace(/^<!--|-->$/g, "")).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
  const decoded = new DOMParser().parseFromString(said, "text/html").documentElement.textContent;
  return decoded.length > MUCH ? `${decoded.slice(0, MUCH)}…` : decoded;
}
