// The written content of a block as an editable field: `show` fills it from the source, `read` gives the source back.
// Merge tags, images and all that a person cannot type here stand in it as chips that keep their own characters.
import { masked, mergeTags } from "./visual_tree.js";

const TYPED = new Set(
  "p h1 h2 h3 h4 h5 h6 strong b em i u s a br ul ol li span div sup sub small blockquote".split(" "),
);
const VOID = new Set(["br"]);
const SLOT = "data-slot";

function chip(text) {
  const made = document.createElement("span");
  made.className = "chip";
  made.contentEditable = "false";
  made.dataset.source = text;
  made.textContent = text;
  return made;
}

// The source with an element for each tag between elements and words, so that a parser does not read into them.
function slotted(source) {
  const tags = mergeTags(source);
  const blotted = masked(source, tags);
  let made = "";
  let place = 0;
  tags.forEach((tag, index) => {
    const inAngle = blotted.lastIndexOf("<", tag.start) > blotted.lastIndexOf(">", tag.start);
    made += source.slice(place, tag.start) + (inAngle ? `xmergetag${index}x` : `<span ${SLOT}="${index}"></span>`);
    place = tag.end;
  });
  return { text: made + source.slice(place), tags };
}

const restored = (text, tags) => text.replace(/xmergetag(\d+)x/g, (_, index) => tags[index].text);

// Builds what the field shows; nothing of the source's own elements is adopted, so nothing of it runs or loads.
function build(from, tags, into) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      into.append(node.data);
    } else if (node.nodeType === Node.COMMENT_NODE) {
      into.append(chip(`<!--${restored(node.data, tags)}-->`));
    } else if (node.hasAttribute(SLOT)) {
      into.append(chip(tags[Number(node.getAttribute(SLOT))].text));
    } else if (!TYPED.has(node.localName)) {
      into.append(chip(restored(serialised(node, tags), tags)));
    } else {
      const made = document.createElement(node.localName);
      made.dataset.attributes = JSON.stringify([...node.attributes].map(({ name, value }) => [name, restored(value, tags)]));
      build(node, tags, made);
      into.append(made);
    }
  }
}

function serialised(node, tags) {
  let made = node.outerHTML;
  for (const [index, tag] of tags.entries()) made = made.replaceAll(`<span ${SLOT}="${index}"></span>`, tag.text);
  return made;
}

export function show(field, source) {
  const { text, tags } = slotted(source);
  const parsed = new DOMParser().parseFromString(`<!doctype html><body>${text}`, "text/html");
  field.replaceChildren();
  build(parsed.body, tags, field);
}

function escaped(text) {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\u00a0", "&nbsp;");
}

function attributeText(value) {
  let made = "";
  let place = 0;
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  for (const tag of mergeTags(value)) {
    made += plain(value.slice(place, tag.start)) + tag.text;
    place = tag.end;
  }
  return made + plain(value.slice(place));
}

function element(node, style) {
  const name = { b: "strong", i: "em" }[node.localName] ?? node.localName;
  const own = node.dataset.attributes;
  const attributes = own ? JSON.parse(own) : name === "a" ? [["href", node.getAttribute("href") ?? ""]] : [];
  const words = attributes.map(([key, value]) => ` ${key}="${attributeText(value)}"`).join("");
  const tag = own ? node.localName : name;
  if (VOID.has(tag)) return `<${tag}${words}${style.slash ? " /" : ""}>`;
  return `<${tag}${words}>${content(node, style)}</${tag}>`;
}

function content(node, style) {
  let made = "";
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) made += typed(child.data, style);
    else if (child.nodeType !== Node.ELEMENT_NODE) continue;
    else if (child.dataset.source !== undefined) made += child.dataset.source;
    else if (TYPED.has(child.localName)) made += element(child, style);
    else made += content(child, style);
  }
  return made;
}

// Somebody may type a merge tag as well as pick one; what only looks like one is text.
function typed(text, style) {
  let tags = [];
  try {
    tags = mergeTags(text);
  } catch {
    return spelled(text, style).replace(/\{(?=[{%#])/g, "&#123;");
  }
  let made = "";
  let place = 0;
  for (const tag of tags) {
    made += spelled(text.slice(place, tag.start), style) + tag.text;
    place = tag.end;
  }
  return made + spelled(text.slice(place), style);
}

const spelled = (text, style) => (style.space ? escaped(text) : escaped(text).replaceAll("&nbsp;", "\u00a0"));

// `before` is the source that was shown: it tells how an empty element and a no-break space are spelt.
export function read(field, before) {
  return content(field, {
    slash: !/<br\s*>/i.test(before),
    space: before.includes("&nbsp;") || !before.includes("\u00a0"),
  });
}

// Whether showing and reading alone would change the source beyond white space.
export function changes(source) {
  const field = document.createElement("div");
  show(field, source);
  const after = read(field, source);
  return after.replace(/\s+/g, "") === source.replace(/\s+/g, "") ? null : after;
}

// A merge tag at the caret, or at the end.
export function insertTag(field, text) {
  const made = chip(text);
  insert(field, made);
  // a space typed at the end of a line is kept by browsers as one that does not break; now something follows it
  const before = made.previousSibling;
  if (before?.nodeType === Node.TEXT_NODE) before.data = before.data.replace(/(\S)\u00a0$/, "$1 ");
}

function insert(field, node) {
  const selection = document.getSelection();
  const range = selection.rangeCount ? selection.getRangeAt(0) : null;
  if (range && field.contains(range.commonAncestorContainer)) {
    range.deleteContents();
    range.insertNode(node);
    range.setStartAfter(node);
    range.collapse(true);
  } else {
    (field.lastElementChild?.matches("p, h1, h2, h3") ? field.lastElementChild : field).append(node);
  }
}

// The buttons over the field; `execCommand` is what browsers offer for this, and what each of them undoes by itself.
export function act(field, name, link) {
  field.focus();
  document.execCommand("styleWithCSS", false, "false");
  document.execCommand("defaultParagraphSeparator", false, "p");
  if (name === "link") {
    if (link) document.execCommand("createLink", false, link);
    else document.execCommand("unlink");
  } else if (name === "h2" || name === "p") {
    document.execCommand("formatBlock", false, name);
  } else {
    document.execCommand({ bold: "bold", italic: "italic", list: "insertUnorderedList" }[name]);
  }
}

// What is pasted comes as words: the styles of another program would break the mail's.
export function pasteWords(event) {
  event.preventDefault();
  const text = event.clipboardData.getData("text/plain");
  document.execCommand("insertText", false, text);
}
