// Small helpers of controls. Everything works without them; they save a press or a page.
const on = (type, selector, act) =>
  document.addEventListener(type, (event) => {
    const found = event.target.closest?.(selector);
    if (found) act(found, event);
  });

// <button data-copy="#id" data-copied="Copié">
on("click", "[data-copy]", async (button) => {
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  const label = button.querySelector("[data-label]") ?? button;
  label.textContent = button.dataset.copied;
  button.setAttribute("aria-live", "polite");
});

// <button type="button" data-print hidden>: shown where there is a script to do it.
for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
on("click", "[data-print]", () => window.print());

// <button type="button" data-show-password="id" data-hide="Masquer">Afficher</button>
on("click", "[data-show-password]", (button) => {
  const input = document.getElementById(button.dataset.showPassword);
  const words = button.textContent;
  input.type = input.type === "password" ? "text" : "password";
  button.textContent = button.dataset.hide;
  button.dataset.hide = words;
});

// <output data-count-for="subject">: characters typed so far.
on("input", "input, textarea", (input) => {
  for (const output of document.querySelectorAll(`[data-count-for="${CSS.escape(input.id)}"]`))
    output.textContent = [...input.value].length;
});

// <button type="button" data-preview-width="360" data-preview="id">: the width of a frame; aria-pressed tells which.
on("click", "[data-preview-width]", (button) => {
  document.getElementById(button.dataset.preview).dataset.width = button.dataset.previewWidth;
  for (const other of document.querySelectorAll(`[data-preview="${CSS.escape(button.dataset.preview)}"]`))
    other.setAttribute("aria-pressed", String(other === button));
});

// <button type="button" data-insert="{{ … }}" data-insert-into="id">: into a plain textarea; editor.js takes its own.
on("click", "[data-insert]", (button, event) => {
  const area = document.getElementById(button.dataset.insertInto);
  if (event.defaultPrevented || !area || area.hidden) return;
  area.setRangeText(button.dataset.insert, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
});

// <form data-bulk>, <div class="bulk-bar"><p data-bulk-count data-one="{n} …" data-other="{n} …">, <input data-check-all>
on("change", "form[data-bulk] input[type=checkbox]", (box) => {
  const form = box.closest("form");
  if (box.matches("[data-check-all]"))
    for (const one of form.querySelectorAll("tbody input[type=checkbox]")) one.checked = box.checked;
  const n = form.querySelectorAll("tbody input[type=checkbox]:checked").length;
  const said = form.querySelector("[data-bulk-count]");
  const plural = new Intl.PluralRules(document.documentElement.lang).select(n) === "one";
  said.textContent = (plural ? said.dataset.one : said.dataset.other).replace("{n}", n.toLocaleString(document.documentElement.lang));
});

// A menu closes by Escape, and when something else is pressed.
document.addEventListener("keydown", (event) => {
  const menu = document.activeElement?.closest?.("details.menu[open]");
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});

// <button data-busy="En cours…">: after 300 ms the pressed button says so and keeps its width. It stays pressable:
// the server answers a second press with the first result.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button?.dataset.busy) return;
  setTimeout(() => {
    if (!button.isConnected) return;
    button.style.minWidth = `${button.offsetWidth}px`;
    button.dataset.words = button.textContent;
    button.textContent = button.dataset.busy;
    button.setAttribute("aria-busy", "true");
  }, 300);
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("[data-words]")) {
    button.textContent = button.dataset.words;
    button.removeAttribute("aria-busy");
  }
});

// <span data-countdown="2026-11-24T08:30:00Z">60</span>: seconds left, each second.
setInterval(() => {
  for (const place of document.querySelectorAll("[data-countdown]"))
    place.textContent = Math.max(0, Math.round((Date.parse(place.dataset.countdown) - Date.now()) / 1000));
}, 1000);

// <span hidden data-local="2026-11-24T08:30:00Z" data-zone="Europe/Paris" data-words="soit {time} pour vous">
for (const place of document.querySelectorAll("[data-local]")) {
  const lang = document.documentElement.lang;
  const options = { hour: "2-digit", minute: "2-digit", day: "numeric", month: "short" };
  const instant = new Date(place.dataset.local);
  const theirs = instant.toLocaleString(lang, { ...options, timeZone: place.dataset.zone });
  const mine = instant.toLocaleString(lang, options);
  if (mine === theirs) continue;
  place.textContent = place.dataset.words.replace("{time}", mine);
  place.hidden = false;
}

// <dialog data-session-seconds="1800"><form method="dialog"><button data-stay="/app/session">: opens two minutes before
// the session ends (WCAG 2.2.1); the button touches the session and starts again.
const dialog = document.querySelector("dialog[data-session-seconds]");
if (dialog) {
  const wait = () => setTimeout(() => dialog.showModal(), Math.max(0, dialog.dataset.sessionSeconds - 120) * 1000);
  on("click", "[data-stay]", async (button) => {
    const answer = await fetch(button.dataset.stay, { headers: { Accept: "application/json" } });
    if (answer.ok) wait();
    else location.reload();
  });
  wait();
}
