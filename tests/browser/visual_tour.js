// What somebody does who opens a mail, writes in each text without changing a word, and moves each part there and back.
// (source, canvas) → the source after each of these; in the page of the visual editor, with its own buttons and fields.
async ([source, drawn]) => {
  const editor = document.querySelector("form[data-visual]").editor;
  const page = editor.page;
  const canvas = editor.canvas;
  if (!drawn) editor.canvas = undefined;
  const now = () => editor.area.value;
  const nodes = () => [...page.querySelectorAll("[data-structure] [data-do=choose]")];
  const press = (what) => {
    const button = page.querySelector(`[data-structure] [aria-pressed=true] ~ [data-actions] [data-do=${what}]`);
    if (!button || button.hidden) return false;
    button.click();
    return true;
  };
  try {
    editor.load(source);
    const opened = now();
    if (drawn) {
      canvas.arrange();
      editor.store();
    }
    const read = now();
    let asked = 0;
    for (let index = 0; index < nodes().length; index += 1) {
      nodes()[index].click();
      const field = page.querySelector("[data-properties] [contenteditable=true]");
      asked += page.querySelector("[data-properties] [data-ask]:not([hidden])") ? 1 : 0;
      field?.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const written = now();
    editor.load(source);
    for (let index = 0; index < nodes().length; index += 1) {
      nodes()[index].click();
      if (press("down")) press("up");
      if (press("duplicate")) press("remove");
    }
    return { opened, read, written, moved: now(), asked };
  } finally {
    editor.canvas = canvas;
  }
};
