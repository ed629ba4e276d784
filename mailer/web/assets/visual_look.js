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

function content(node, pictures) {
  const tags = mergeTags(node.inner);
  const blotted = masked(node.inner, tags);
  // a tag between words stays readable; one in an element's angle would break it
  let shown = "";
  let place = 0;
  for (const tag of tags) {
    const inAngle = blotted.lastIndexOf("<", tag.start) > blotted.lastIndexOf(">", tag.start);
    shown += node.inner.slice(place, tag.start);
    shown += inAngle ? "" : tag.text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    place = tag.end;
  }
  const { body } = new DOMParser().parseFromString(`<!doctype html><body>${shown}${node.inner.slice(place)}`, "text/html");
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

function attributes(node, pictures) {
  const made = {};
  for (const { name, value } of node.attributes) {
    if (name === "href" || name === "rel" || name === "target" || name === "srcset") continue;
    made[name] = withoutQuotes(value ?? "");
  }
  if (node.name === "mj-image" && !pictures.ours(made.src ?? "")) made.src = BLANK;
  return made;
}

// The styles and defaults of the head, which the sketch needs for each part it draws.
function head(before) {
  const found = /<mj-head\b[^>]*>([\s\S]*)<\/mj-head>/i.exec(before)?.[1] ?? "";
  const kept = found.match(/<mj-(attributes|style|breakpoint)\b[\s\S]*?(<\/mj-\1>|\/>)/gi) ?? [];
  const styles = kept.join("").replace(/@import[^;]*;|url\([^)]*\)/gi, "");
  return styles && !styles.includes("{{") && !styles.includes("{%") ? `<mj-head>${styles}</mj-head>` : "";
}

export const lookOf = { attributes, content, head };
