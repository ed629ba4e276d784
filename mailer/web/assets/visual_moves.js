// Where a node can go, without a mouse: the same places that dragging offers (WCAG 2.5.7).
import { accepts } from "./visual_tags.js";
import { copy, walk } from "./visual_tree.js";

function within(node, parent) {
  for (let one = parent; one; one = one.parent) if (one === node) return true;
  return false;
}

// Places in reading order; those where the node stands already count once, as `here`.
function places(body, node) {
  const found = [];
  let here = -1;
  const visit = (parent) => {
    const fits = accepts(parent, node) && !within(node, parent);
    const children = parent.children ?? [];
    children.forEach((child, index) => {
      if (fits && children[index - 1] !== node) found.push({ parent, index });
      if (child === node) {
        if (fits) here = found.length - 1;
      } else {
        visit(child);
      }
    });
    if (fits && children.at(-1) !== node) found.push({ parent, index: children.length });
  };
  visit(body);
  return { found, here };
}

export function canMove(body, node, step) {
  const { found, here } = places(body, node);
  return here >= 0 && found[here + step] !== undefined;
}

// Up (-1) or down (1) by one place; false where there is none.
export function move(body, node, step) {
  const { found, here } = places(body, node);
  const place = found[here + step];
  if (here < 0 || !place) return false;
  put(node, place.parent, place.index);
  return true;
}

// Takes a node from where it is and puts it before what stands at `index` now.
export function put(node, parent, index) {
  const before = parent.children[index];
  if (node.parent) {
    if (node.parent !== parent) node.gap = null;
    node.parent.children.splice(node.parent.children.indexOf(node), 1);
  }
  const at = before && before !== node ? parent.children.indexOf(before) : Math.min(index, parent.children.length);
  node.parent = parent;
  parent.children.splice(at, 0, node);
}

export function remove(node) {
  node.parent.children.splice(node.parent.children.indexOf(node), 1);
}

export function duplicate(node) {
  const made = copy(node, node.parent);
  made.gap ||= null;
  node.parent.children.splice(node.parent.children.indexOf(node) + 1, 0, made);
  return made;
}

// Puts a new node after another: inside it at its end, beside it, or beside what encloses it; then in a column of a
// section of its own. `wrap` makes that section around it. Returns what was put in.
export function addAfter(body, node, made, wrap) {
  for (let at = node ?? body; at; at = at.parent) {
    if (accepts(at, made) && at.children) {
      put(made, at, at.children.length);
      return made;
    }
    if (at.parent && accepts(at.parent, made)) {
      put(made, at.parent, at.parent.children.indexOf(at) + 1);
      return made;
    }
    const column = at.name === "mj-section" && [...walk(at)].find((one) => accepts(one, made));
    if (column) {
      put(made, column, column.children.length);
      return made;
    }
  }
  return addAfter(body, node, wrap(made));
}
