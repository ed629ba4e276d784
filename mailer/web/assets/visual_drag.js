// Pulling a part with a mouse, a pen or a finger, from the palette or on the sketch. It lands where the line is shown.
//
//     pointerdown ─ moved by 5 px ─▶ pulling ─ place under the pointer ─▶ line ─ pointerup ─▶ put there; Escape: nothing
//
// Ours, and not GrapesJS's sorter: that one mixes the browser's own dragging with pointer events, counts frames that are
// entered and left, and lost drops whenever one of those did not come.
import { accepts } from "./visual_tags.js";
import { walk } from "./visual_tree.js";

const START_PX = 5;
const EDGE_PX = 48;
const SIDE_BY_SIDE = new Set(["mj-section", "mj-group", "mj-social", "mj-navbar"]);

export class Dragging {
  // `frame` is the sketch; `element(node)` what it draws of a node; `body()` the tree; `drop(node, place)` puts it there.
  constructor(frame, { element, body, drop }) {
    Object.assign(this, { frame, element, body, drop });
    this.inside = frame.contentDocument;
    this.line = this.inside.createElement("div");
    this.line.className = "mailer-line";
    this.line.hidden = true;
    this.inside.body.append(this.line);
    this.inside.addEventListener("dragstart", (event) => event.preventDefault());
    this.inside.addEventListener("pointerdown", (event) => {
      const node = this.nodeOf(event.target);
      if (node?.parent) this.wait(event, () => node);
    });
    for (const place of [document, this.inside]) {
      place.addEventListener("pointermove", (event) => this.moved(event));
      place.addEventListener("pointerup", () => this.end(true));
      place.addEventListener("pointercancel", () => this.end(false));
      place.addEventListener("keydown", (event) => event.key === "Escape" && this.end(false));
      // the press that follows a pull chooses nothing
      place.addEventListener("click", (event) => this.pulled && event.stopPropagation(), true);
      place.addEventListener("selectstart", (event) => this.node && event.preventDefault());
    }
  }

  offer(button, made) {
    button.addEventListener("pointerdown", (event) => this.wait(event, made));
  }

  wait(event, made) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.pulled = false;
    this.start = { ...this.point(event), made, outside: event.view === window };
  }

  // Where the pointer is on the sketch, whichever document says so.
  point(event) {
    if (event.view !== window) return { x: event.clientX, y: event.clientY };
    const box = this.frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  moved(event) {
    if (!this.start) return;
    // a button that was let go where nobody saw it
    if (event.buttons === 0) return this.end(false);
    const { x, y } = this.point(event);
    if (!this.node) {
      if (Math.hypot(x - this.start.x, y - this.start.y) < START_PX) return undefined;
      this.node = this.start.made();
      this.pulled = true;
      this.frame.classList.toggle("pulled-over", this.start.outside);
    }
    this.scroll(x, y);
    this.place = this.over(x, y) ? this.placeAt(x, y) : null;
    this.draw();
    return undefined;
  }

  end(kept) {
    const { node, place } = this;
    this.start = this.node = this.place = null;
    this.frame.classList.remove("pulled-over");
    this.line.hidden = true;
    if (!this.pulled) return;
    setTimeout(() => (this.pulled = false));
    if (kept && node && place) this.drop(node, place);
  }

  over(x, y) {
    const { clientWidth, clientHeight } = this.frame;
    return x >= 0 && y >= 0 && x < clientWidth && y < clientHeight;
  }

  scroll(x, y) {
    if (!this.over(x, y)) return;
    const step = y < EDGE_PX ? -EDGE_PX : y > this.frame.clientHeight - EDGE_PX ? EDGE_PX : 0;
    if (step) this.frame.contentWindow.scrollBy(0, step / 4);
  }

  // The innermost node whose drawing holds that element.
  nodeOf(element) {
    let found = null;
    for (const node of walk(this.body())) if (this.element(node)?.contains(element)) found = node;
    return found;
  }

  // {parent, index}, and `wrap` where only a section of its own can hold it.
  placeAt(x, y) {
    const body = this.body();
    const under = this.nodeOf(this.inside.elementFromPoint(x, y)) ?? body;
    const own = new Set(this.node.parent ? walk(this.node) : []);
    let at = under;
    while (own.has(at)) at = at.parent;
    for (let one = at; one; one = one.parent) {
      if (one.children && accepts(one, this.node)) return this.among(one, x, y);
      const near = one === body ? null : this.nearest(one, own, x, y);
      if (near) return this.among(near, x, y);
    }
    const section = { name: "mj-section" };
    return accepts(body, section) ? { ...this.among(body, x, y), wrap: true } : null;
  }

  // Inside a section, its column that is nearest to the pointer.
  nearest(section, own, x, y) {
    const fits = [...walk(section)].filter((one) => one.children && !own.has(one) && accepts(one, this.node));
    const far = (node) => {
      const box = this.box(node);
      return Math.max(box.left - x, 0, x - box.right) + Math.max(box.top - y, 0, y - box.bottom);
    };
    return fits.sort((one, other) => far(one) - far(other))[0];
  }

  among(parent, x, y) {
    const before = (child) => {
      const box = this.box(child);
      return SIDE_BY_SIDE.has(parent.name) ? box.left + box.width / 2 < x : box.top + box.height / 2 < y;
    };
    return { parent, index: parent.children.filter(before).length };
  }

  box(node) {
    return (this.element(node) ?? this.inside.body).getBoundingClientRect();
  }

  // Between the two that the place is between, or over the part that is empty.
  draw() {
    this.line.hidden = !this.place;
    if (!this.place) return;
    const { parent, index } = this.place;
    const within = this.box(parent);
    const [before, after] = [parent.children[index - 1], parent.children[index]];
    const upright = SIDE_BY_SIDE.has(parent.name);
    const [start, stop] = upright ? ["left", "right"] : ["top", "bottom"];
    const at = before ? this.box(before)[stop] : after ? this.box(after)[start] : within[start];
    const shown = upright
      ? { left: at - 2, top: within.top, width: 4, height: within.height }
      : { left: within.left, top: at - 2, width: within.width, height: 4 };
    const { scrollX, scrollY } = this.frame.contentWindow;
    shown.left += scrollX;
    shown.top += scrollY;
    for (const [name, value] of Object.entries(shown)) this.line.style[name] = `${Math.max(value, 0)}px`;
  }
}
