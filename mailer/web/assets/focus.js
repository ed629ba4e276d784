// The focus is never lost: after a swap it goes to the successor of the control, else to the changed part's heading.
let last = null;

const element = (target) => (typeof target === "string" ? document.querySelector(target) : target);

function focus(target) {
  if (!target) return;
  if (!target.matches("a[href], button, input, select, textarea, summary, [tabindex]")) target.tabIndex = -1;
  target.focus();
}

function successor({ id, name, value, tag }) {
  if (id) return document.getElementById(id);
  if (!name) return null;
  const twins = [...document.getElementsByName(name)].filter((one) => one.tagName === tag);
  return twins.find((one) => one.value === value) ?? twins[0] ?? null;
}

document.addEventListener("htmx:before:request", (event) => {
  const active = document.activeElement;
  last = { id: active?.id, name: active?.getAttribute?.("name"), value: active?.value, tag: active?.tagName };
  element(event.detail.ctx.target)?.setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:finally:request", (event) => {
  element(event.detail.ctx.target)?.removeAttribute("aria-busy");
});

document.addEventListener("htmx:after:swap", (event) => {
  const summary = document.querySelector(".error-summary");
  if (summary && event.detail.ctx.response?.status === 422) return focus(summary);
  if (document.activeElement && document.activeElement !== document.body) return undefined;
  if (!last) return undefined;
  // outerHTML replaces the target itself: its successor has the same id.
  const target = element(event.detail.ctx.target);
  const part = target?.isConnected || !target?.id ? target : document.getElementById(target.id);
  const found = successor(last) ?? (part?.isConnected ? (part.querySelector("h1, h2, h3") ?? part) : null);
  return focus(found ?? document.querySelector("main h1, main"));
});

// After a redirect the message above the h1 is read first; after a refused form, the list of points.
const said = document.querySelector(".error-summary, [data-focus]");
if (said) focus(said);

// A frame that holds the focus matches no :focus, whose ring shows where the keys go: it is marked.
const unmark = () => document.querySelectorAll("iframe[data-focused]").forEach((frame) => frame.removeAttribute("data-focused"));
addEventListener("focus", unmark);
addEventListener("blur", () => {
  // the page names the frame a moment later
  setTimeout(() => {
    unmark();
    const at = document.activeElement;
    if (at?.localName === "iframe") at.setAttribute("data-focused", "");
  });
});
