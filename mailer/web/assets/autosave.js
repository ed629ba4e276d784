// <form data-autosave="/url" …> is posted there 2 s after the last change. Words come with the page:
// <p role="status" data-autosave-state data-saved="Enregistré à {time}" data-unsaved="… {seconds} s" data-conflict="…">
// The answer may be JSON with `version`, kept in input[name=version]; 409 means that somebody else saved meanwhile.
// <iframe data-reload-on-save> is loaded again after each save.
const AFTER_MS = 2000;
const RETRY_SECONDS = 10;

function start(form) {
  const state = form.querySelector("[data-autosave-state]") ?? document.querySelector("[data-autosave-state]");
  let timer = 0;
  let stopped = false;
  let saving = null;

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

  async function save() {
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json", "X-Autosave": "1" },
      });
      if (answer.status === 409) {
        stopped = true;
        return say(state?.dataset.conflict);
      }
      // 401, 403: the session is over, or another began in another tab; the button saves, after signing in again
      if (answer.status >= 500 || [401, 403].includes(answer.status) || answer.redirected) throw new Error(String(answer.status));
      const body = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
      const version = form.elements.namedItem("version");
      if (version && body.version !== undefined) version.value = body.version;
      const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
      if (answer.ok) say(state?.dataset.saved, { time });
      for (const frame of document.querySelectorAll("iframe[data-reload-on-save]")) frame.src = frame.src;
      form.dispatchEvent(new CustomEvent("mailer:saved", { bubbles: true, detail: body }));
    } catch {
      say(state?.dataset.unsaved, { seconds: RETRY_SECONDS });
      later(RETRY_SECONDS * 1000);
    }
    return undefined;
  }

  form.addEventListener("input", () => later(AFTER_MS));
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
