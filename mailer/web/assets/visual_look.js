// What of a node the sketch draws: without links, scripts, foreign pictures, and with merge tags as words.
import { masked, mergeTags } from "./visual_tree.js";

const BLANK = "/static/dist/icons/image.svg";
const FOREIGN_ICONS = /https:\/\/www\.mailjet\.com\/images\/theme\/v1\/icons\/ico-social\//g;
const SPOKEN = "script, iframe, object, embed, link, meta, base, form, video, audio, style";

// Quotes of a merge tag would end the attribute it stands in.
function withoutQuotes(value) {
  let made = "";
  let place = 0;
  for (const tag of mergeTags(value)) {
    made += value.slice(place, tag.start) + tag.text.replace(/["'<>]/g, "");
    place = tag.end;
  }
  return made + value.slice(place);
}

const BRAND = /\{\{-?[ \t]*brand\.([A-Za-z_]\w{0,40})[ \t]*-?\}\}/g;

// Values of the brand kit as the server fills them in; of one that is empty, `gap` says that it is.
export function brandOf({ brand, gap, gapLogo, gapFooter }) {
  const values = JSON.parse(brand);
  const missing = (text) => [...text.matchAll(BRAND)].map(([, name]) => name).find((name) => !values[name]);
  const said = (name) => gap.replace("{name}", { logo: gapLogo, footer: gapFooter }[name] ?? name);
  return {
    // why an attribute shows nothing, or ""
    gap: (text) => (missing(text) ? said(missing(text)) : ""),
    value: (text) => text.replace(BRAND, (_, name) => values[name] ?? ""),
    words: (text) => text.replace(BRAND, (_, name) => values[name] || `<span class="mailer-gap">${said(name)}</span>`),
  };
}

// Pictures come from our own two addresses; others show as an empty frame with their words.
export function ourPictures({ pictures, icons }) {
  const ours = (address) => address.startsWith("/static/") || address.startsWith(pictures) || address.startsWith(icons);
  const only = (html) =>
    html
      .replace(FOREIGN_ICONS, icons)
      .replace(/(<img\b[^>]*?\ssrc=")([^"]*)"/g, (_, start, address) => `${start}${ours(address) ? address : BLANK}"`)
      .replace(/\ssrcset="[^"]*"/g, "")
      .replace(/url\((['"]?)([^'")]*)\1\)/g, (whole, _, address) => (ours(address) ? whole : "none"))
      .replace(/\sbackground="([^"]*)"/g, (whole, address) => (ours(address) ? whole : ""));
  return { only, ours };
}

// In an element's angle a value stands as it is; between words an empty one leaves a labelled gap.
function inWords(inner, brand) {
  const blotted = masked(inner, mergeTags(inner));
  let made = "";
  let place = 0;
  for (const tag of mergeTags(inner)) {
    const inAngle = blotted.lastIndexOf("<", tag.start) > blotted.lastIndexOf(">", tag.start);
    made += inner.slice(place, tag.start) + (inAngle ? brand.value(tag.text) : brand.words(tag.text));
    place = tag.end;
  }
  return made + inner.slice(place);
}

function content(node, pictures, brand) {
  const inner = inWords(node.inner, brand);
  const tags = mergeTags(inner);
  const blotted = masked(inner, tags);
  // a tag between words stays readable; one in an element's angle would break it
  let shown = "";
  let place = 0;
  for (const tag of tags) {
    const inAngle = blotted.lastIndexOf("<", tag.start) > blotted.lastIndexOf(">", tag.start);
    shown += inner.slice(place, tag.start);
    shown += inAngle ? "" : tag.text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    place = tag.end;
  }
  const { body } = new DOMParser().parseFromString(`<!doctype html><body>${shown}${inner.slice(place)}`, "text/html");
  for (const element of body.querySelectorAll(SPOKEN)) element.remove();
  for (const element of body.querySelectorAll("*")) {
    for (const { name } of [...element.attributes]) {
      if (name.startsWith("on") || name === "href" || name === "srcset" || name === "background") element.removeAttribute(name);
    }
    const address = element.getAttribute("src");
    if (address !== null && !pictures.ours(address)) element.setAttribute("src", BLANK);
    if (/url\(/i.test(element.getAttribute("style") ?? "")) element.removeAttribute("style");
  }
  return body.innerHTML;
}

function attributes(node, pictures, brand) {
  const made = {};
  for (const { name, value } of node.attributes) {
    if (name === "href" || name === "rel" || name === "target" || name === "srcset") continue;
    made[name] = withoutQuotes(brand.value(value ?? ""));
  }
  if (node.name === "mj-image" && !pictures.ours(made.src ?? "")) made.src = BLANK;
  return made;
}

// The styles and defaults of the head, which the sketch needs for each part it draws.
function head(before, brand) {
  const found = /<mj-head\b[^>]*>([\s\S]*)<\/mj-head>/i.exec(before)?.[1] ?? "";
  const kept = found.match(/<mj-(attributes|style|breakpoint)\b[\s\S]*?(<\/mj-\1>|\/>)/gi) ?? [];
  const styles = brand.value(kept.join("")).replace(/@import[^;]*;|url\([^)]*\)/gi, "");
  return styles && !styles.includes("{{") && !styles.includes("{%") ? `<mj-head>${styles}</mj-head>` : "";
}

export const lookOf = { attributes, content, head };
