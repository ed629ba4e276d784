// MJML as a tree that gives its source back to the letter: parse(source) → {before, body, after}, write(tree) → source.
//
// Each node keeps its own characters (`open`, `inner`, `close`, the `gap` before it). Whoever changes a node changes
// those of its characters and no others, so that what was not touched cannot change.
import { CONTAINERS, LEAVES, WRITTEN } from "./visual_tags.js";

const MASK = "\u{e000}";
const NAME = /[A-Za-z][\w:.-]*/y;
const ATTRIBUTE = /\s*([^\s=<>"'/]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?/y;
const TAG_END = /\s*(\/?)>/y;
const END_TAG = /<\/([A-Za-z][\w:.-]*)\s*>/y;
const ENDS = { "{{": "}}", "{%": "%}", "{#": "#}" };
const BLOCK = /^\{%[-+]?\s*(\w+)/;

// Why a source cannot be opened: `line` counts from 1.
export class Unreadable extends Error {
  constructor(source, place) {
    super("unreadable");
    this.line = source.slice(0, place).split("\n").length;
  }
}

// Merge tags with their places; quotes inside them may hold anything.
export function mergeTags(source) {
  const found = [];
  const opening = /\{[{%#]/g;
  for (let match = opening.exec(source); match; match = opening.exec(source)) {
    const end = tagEnd(source, match.index);
    if (end < 0) throw new Unreadable(source, match.index);
    found.push({ start: match.index, end, text: source.slice(match.index, end) });
    opening.lastIndex = end;
  }
  return found;
}

function tagEnd(source, start) {
  const closing = ENDS[source.slice(start, start + 2)];
  let quote = "";
  for (let place = start + 2; place < source.length; place += 1) {
    const sign = source[place];
    if (quote) {
      if (sign === "\\") place += 1;
      else if (sign === quote) quote = "";
    } else if ((sign === '"' || sign === "'") && closing !== "#}") {
      quote = sign;
    } else if (source.startsWith(closing, place)) {
      return place + 2;
    }
  }
  return -1;
}

// Of words that somebody types, which may hold half a tag: that one is text, and its brace is spelt as a reference.
export function typedTags(text) {
  try {
    return { text, tags: mergeTags(text) };
  } catch {
    return { text: text.replace(/\{(?=[{%#])/g, "&#123;"), tags: [] };
  }
}

// The same characters with merge tags blotted out, place by place, so that a `>` in one ends no tag.
export function masked(source, tags) {
  let made = "";
  let place = 0;
  for (const tag of tags) {
    made += source.slice(place, tag.start) + MASK.repeat(tag.end - tag.start);
    place = tag.end;
  }
  return made + source.slice(place);
}

function match(pattern, text, place) {
  pattern.lastIndex = place;
  return pattern.exec(text);
}

function openTag(blotted, start) {
  const name = match(NAME, blotted, start + 1);
  if (!name) return null;
  const attributes = [];
  for (let place = start + 1 + name[0].length; ; ) {
    const end = match(TAG_END, blotted, place);
    if (end) {
      const stop = place + end[0].length;
      return { kind: "open", name: name[0].toLowerCase(), start, end: stop, closed: end[1] === "/", attributes };
    }
    const found = match(ATTRIBUTE, blotted, place);
    if (!found) return null;
    const stop = place + found[0].length;
    attributes.push({ name: found[1].toLowerCase(), start: stop - found[0].trimStart().length, end: stop, value: found[2] });
    place = stop;
  }
}

// The piece that begins at `start`: a comment, a tag, or text up to the next of them.
function piece(blotted, start) {
  if (blotted.startsWith("<!--", start)) {
    const end = blotted.indexOf("-->", start + 4);
    return end < 0 ? null : { kind: "comment", start, end: end + 3 };
  }
  if (blotted[start] === "<") {
    const closing = match(END_TAG, blotted, start);
    if (closing) return { kind: "close", name: closing[1].toLowerCase(), start, end: start + closing[0].length };
    return openTag(blotted, start);
  }
  const next = blotted.indexOf("<", start);
  return { kind: "text", start, end: next < 0 ? blotted.length : next };
}

// Where the element that `open` begins ends: the place of its end tag and the place after it.
function elementEnd(blotted, open) {
  const pattern = new RegExp(`<(/?)${open.name}(?=[\\s/>])|<!--`, "gi");
  pattern.lastIndex = open.end;
  let depth = 1;
  for (let found = pattern.exec(blotted); found; found = pattern.exec(blotted)) {
    const part = piece(blotted, found.index);
    if (!part) return null;
    if (part.kind === "open" && !part.closed) depth += 1;
    if (part.kind === "close") depth -= 1;
    if (depth === 0) return { inside: part.start, after: part.end };
    pattern.lastIndex = part.end;
  }
  return null;
}

class Reader {
  constructor(source) {
    this.source = source;
    this.tags = mergeTags(source);
    this.blotted = masked(source, this.tags);
  }

  fail(place) {
    throw new Unreadable(this.source, place);
  }

  next(place) {
    return piece(this.blotted, place) ?? this.fail(place);
  }

  end(open) {
    return elementEnd(this.blotted, open) ?? this.fail(open.start);
  }

  attributes(open) {
    return open.attributes.map(({ name, start, end, value }) => {
      const raw = value === undefined ? null : this.source.slice(end - value.length, end);
      const quoted = raw !== null && /^["']/.test(raw);
      return { name, start: start - open.start, end: end - open.start, value: quoted ? raw.slice(1, -1) : raw };
    });
  }

  // An element of ours, or one that stays as it is; `gap` is what stands before it.
  element(open, gap) {
    const text = this.source.slice(open.start, open.end);
    const end = open.closed ? { inside: open.end, after: open.end } : this.end(open);
    const node = { name: open.name, gap, open: text, attributes: this.attributes(open), closed: open.closed };
    node.inner = this.source.slice(open.end, end.inside);
    node.close = this.source.slice(end.inside, end.after);
    if (CONTAINERS.has(open.name)) {
      this.children(node, open.end, end.inside);
    } else {
      // what a leaf holds is its own; a divider that holds something is none we know
      node.locked = !LEAVES.has(open.name) || (!WRITTEN.has(open.name) && node.inner.trim() !== "");
    }
    return [node, end.after];
  }

  // The children of a container between two places.
  children(node, start, stop) {
    node.children = [];
    let gap = "";
    for (let place = start; place < stop; ) {
      const [part, after] = this.part(place, stop);
      const text = this.source.slice(place, after);
      if (part.kind === "text" && text.trim() === "") {
        gap += text;
        place = after;
        continue;
      }
      let child = lock(text, gap);
      let end = after;
      if (part.kind === "open") [child, end] = this.element(part, gap);
      child.parent = node;
      node.children.push(child);
      gap = "";
      place = end;
    }
    node.tail = gap;
    node.inner = "";
  }

  // The next piece among children: white space, a comment, a tag, or text with all that a condition encloses.
  part(place, stop) {
    const part = this.next(place);
    if (part.kind === "close") this.fail(place);
    if (part.kind !== "text") return [part, part.end];
    const text = this.blotted.slice(part.start, Math.min(part.end, stop));
    const space = /^\s+/.exec(text);
    if (space) return [{ kind: "text" }, place + space[0].length];
    const tag = this.tags.find((one) => one.start === place);
    const after = tag ? this.blockEnd(tag, stop) : place + /^[^\s\u{e000}]+/u.exec(text)[0].length;
    return [{ kind: "words" }, after];
  }

  // After `{% endif %}` for an `{% if %}`, and so on; after itself for a tag that stands alone.
  blockEnd(tag, stop) {
    let open = [];
    for (const one of this.tags) {
      if (one.start < tag.start || one.end > stop) continue;
      const word = BLOCK.exec(one.text)?.[1] ?? "";
      if (word === "if" || word === "for") open.push(word);
      else if (word.startsWith("end") && open.pop() !== word.slice(3)) this.fail(one.start);
      if (open.length === 0) return one.end;
    }
    return this.fail(tag.start);
  }
}

// A part that is kept to the letter and has no name.
export function lock(text, gap) {
  return { name: "", gap, open: text, inner: "", close: "", attributes: [], locked: true };
}

// Raises Unreadable. What stands around the body, the head above all, is kept to the letter.
export function parse(source) {
  const reader = new Reader(source);
  for (let place = 0; place < source.length; ) {
    const part = reader.next(place);
    if (part.kind === "open" && part.name === "mj-body") {
      const [body, after] = reader.element(part, "");
      const tree = { before: source.slice(0, part.start), body, after: source.slice(after) };
      if (write(tree) !== source) reader.fail(part.start);
      return tree;
    }
    // the content of a head is no business of ours: a style may hold any sign
    const inside = part.kind === "open" && !part.closed && part.name === "mj-head";
    place = inside ? reader.end(part).after : part.end;
  }
  return reader.fail(0);
}

// One node of a fragment, such as a block of the palette; its gap is made where it is put.
export function fragment(source) {
  const text = source.trim();
  const reader = new Reader(text);
  const [node, after] = reader.element(reader.next(0), null);
  if (after !== text.length) reader.fail(after);
  return node;
}

function depth(node) {
  let count = 1;
  for (let parent = node.parent; parent; parent = parent.parent) count += 1;
  return count;
}

// The source of a node with what stands before it; a new one stands on a line of its own.
export function written(node) {
  const gap = node.gap ?? `\n${"  ".repeat(depth(node))}`;
  if (!node.children) return gap + node.open + node.inner + node.close;
  let open = node.open;
  let close = node.close;
  let tail = node.tail;
  if (node.children.length > 0 && node.closed) {
    open = open.replace(/\s*\/>$/, ">");
    close = `</${node.name}>`;
  }
  if (node.children.length > 0 && !tail && node.children.some((child) => child.gap === null)) {
    tail = `\n${"  ".repeat(depth(node))}`;
  }
  return gap + open + node.children.map(written).join("") + tail + close;
}

export function write({ before, body, after }) {
  return before + written(body) + after;
}

// The value of an attribute as it stands in the source, or null.
export function attribute(node, name) {
  return node.attributes.find((one) => one.name === name)?.value ?? null;
}

// A value for a source: quotes and angles of the text become references, those in merge tags stay.
export function quoted(value) {
  let made = "";
  let place = 0;
  const plain = (words) =>
    words
      .replace(/&(?!#?\w+;)/g, "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;");
  const { text, tags } = typedTags(value);
  for (const tag of tags) {
    made += plain(text.slice(place, tag.start)) + tag.text;
    place = tag.end;
  }
  return made + plain(text.slice(place));
}

// Sets, changes or (with null) takes away one attribute; the others keep their place and spelling. `value` is raw.
export function setAttribute(node, name, value) {
  const known = node.attributes.find((one) => one.name === name);
  if ((known?.value ?? null) === value) return;
  const head = known ? node.open.slice(0, known.start) : node.open.replace(/\s*\/?>$/, "");
  const rest = known ? node.open.slice(known.end) : node.open.slice(head.length);
  if (value === null) node.open = head.trimEnd() + rest;
  else if (known) node.open = `${head}${name}="${value}"${rest}`;
  else node.open = `${head} ${name}="${value}"${rest}`;
  const reader = new Reader(node.open);
  node.attributes = reader.attributes(reader.next(0));
}

// What a leaf holds; `<mj-text />` gets an end tag with it.
export function setInner(node, inner) {
  if (node.inner === inner) return;
  if (node.closed) {
    node.open = node.open.replace(/\s*\/>$/, ">");
    node.close = `</${node.name}>`;
    node.closed = false;
  }
  node.inner = inner;
}

export function copy(node, parent) {
  const made = { ...node, parent, attributes: node.attributes.map((one) => ({ ...one })) };
  if (node.children) made.children = node.children.map((child) => copy(child, made));
  return made;
}

// Every node of the body in reading order, the body first.
export function* walk(node) {
  yield node;
  for (const child of node.children ?? []) yield* walk(child);
}
