// What the visual editor knows of MJML: which tag may stand where, and which it opens. The server's list decides
// (sending/mjml_words.py); what is not named here stays as it is, in a locked block.
export const CONTAINERS = new Set([
  "mj-body",
  "mj-wrapper",
  "mj-section",
  "mj-group",
  "mj-column",
  "mj-hero",
  "mj-social",
  "mj-navbar",
]);
export const LEAVES = new Set([
  "mj-text",
  "mj-button",
  "mj-image",
  "mj-divider",
  "mj-spacer",
  "mj-social-element",
  "mj-navbar-link",
]);
// Those whose content is HTML that a person writes.
export const WRITTEN = new Set(["mj-text", "mj-button", "mj-social-element", "mj-navbar-link"]);

const IN_COLUMN = ["mj-column", "mj-hero"];
const PARENTS = {
  "mj-wrapper": ["mj-body"],
  "mj-hero": ["mj-body", "mj-wrapper"],
  "mj-section": ["mj-body", "mj-wrapper"],
  "mj-group": ["mj-section"],
  "mj-column": ["mj-section", "mj-group"],
  "mj-raw": ["mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"],
  "mj-social-element": ["mj-social"],
  "mj-navbar-link": ["mj-navbar"],
};
for (const name of ["accordion", "button", "carousel", "divider", "image", "navbar", "social", "spacer", "table", "text"]) {
  PARENTS[`mj-${name}`] = IN_COLUMN;
}

export const parents = (name) => PARENTS[name] ?? [];

// A node that is no element (a comment, a condition) stays among its neighbours: it may concern them.
export function accepts(parent, node) {
  if (parent.locked) return false;
  if (!node.name) return parent === node.parent;
  return parents(node.name).includes(parent.name);
}
