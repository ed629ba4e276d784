// <form data-autosave="/url" …> is posted there 2 s after the last change. Words come with the page:
// <p role="status" data-autosave-state data-saved="Enregistré à {time}" data-unsaved="… {seconds} s" data-conflict="…">
// The answer may be JSON with `version`, kept in input[name=version]; 409 means that somebody else saved meanwhile:
// JSON with `message`, and where both texts can be compared (`compare`, `link`).
// <iframe data-reload-on-save> is loaded again after each save.
const AFTER_MS = 2000;
const RETRY_SECONDS = 10;
const KEEPALIVE_BYTES = 60_000;

const weight = (body) => [...body.values()].reduce((sum, value) => sum + new Blob([value]).size, 0);

function start(form) {
  const state = form.querySelector("[data-autosave-state]") ?? document.querySelector("[data-autosave-state]");
  let timer = 0;
  let stopped = false;
  let saving = null;
  let changed = false;

  const say = (words, values = {}) => {
    if (state && words) state.textContent = words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  };
  const later = (milliseconds) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(begin, milliseconds);
  };
  const begin = () => {
    saving = save().finally(() => (saving = null));
  };

  // What was typed is kept on the server, beside what the other person saved.
  async function late(answer) {
    const said = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    say(said.message ?? state?.dataset.conflict);
    if (!state || !said.compare) return undefined;
    const link = document.createElement("a");
    link.href = said.compare;
    link.textContent = said.link;
    state.append(" ", link);
    return undefined;
  }

  async function save() {
    const body = new FormData(form);
    changed = false;
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        body,
        // A page that goes away may finish a small request (Fetch, keepalive: 64 kB together).
        keepalive: document.visibilityState === "hidden" && weight(body) < KEEPALIVE_BYTES,
        headers: { Accept: "application/json", "X-Autosave": "1" },
      });
      if (answer.status === 409) {
        stopped = true;
        return late(answer);
      }
      // 401, 403: the session is over, or another began in another tab; the button saves, after signing in again
      if (answer.status >= 500 || [401, 403].includes(answer.status) || answer.redirected) throw new Error(String(answer.status));
      const said = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
      const version = form.elements.namedItem("version");
      if (version && said.version !== undefined) version.value = said.version;
      const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
      if (answer.ok) say(state?.dataset.saved, { time });
      for (const frame of document.querySelectorAll("iframe[data-reload-on-save]")) frame.src = frame.src;
      form.dispatchEvent(new CustomEvent("mailer:saved", { bubbles: true, detail: said }));
    } catch {
      changed = true;
      say(state?.dataset.unsaved, { seconds: RETRY_SECONDS });
      later(RETRY_SECONDS * 1000);
    }
    return undefined;
  }

  form.addEventListener("input", () => {
    changed = true;
    later(AFTER_MS);
  });
  // A lid that closes, a tab that goes: what was typed in the last seconds leaves at once.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "hidden" || !changed || stopped || saving) return;
    clearTimeout(timer);
    begin();
  });
  // A press during a save waits for its version: sent with the old one, it would look like somebody else's change.
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    const pressed = event.submitter;
    if (!saving) return;
    event.preventDefault();
    saving.finally(() => form.requestSubmit(pressed));
  });
}

document.querySelectorAll("form[data-autosave]").forEach(start);
