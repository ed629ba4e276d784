// The library of images beside an editor, and drawing the part to cut out. Words come with the page.

// <details data-images="/app/1/images.json" data-images-into="id">: opened, it lists images as buttons that insert a line of
// MJML with the description; the list is asked for as somebody types. Without `data-images-into` a press is told as
// `mailer:image` with the image; such a box is asked for its list by `mailer:images`.
const escape = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

function picker(box) {
  const list = box.querySelector("[data-images-list]");
  const words = box.querySelector("[data-images-words]");
  const state = box.querySelector("[data-images-state]");
  const more = box.querySelector("[data-images-more]");
  let timer = 0;
  let asked = 0;

  const item = (image) => {
    const line = document.createElement("li");
    const button = document.createElement("button");
    const picture = document.createElement("img");
    picture.src = image.thumbnail_url;
    picture.alt = "";
    picture.width = 120;
    picture.loading = "lazy";
    button.type = "button";
    button.className = "btn btn-link";
    if (box.dataset.imagesInto) {
      button.dataset.insertInto = box.dataset.imagesInto;
      button.dataset.insert = `<mj-image src="${escape(image.url)}" alt="${escape(image.alt)}" width="${image.shown_width}px" />`;
    } else {
      button.addEventListener("click", () => box.dispatchEvent(new CustomEvent("mailer:image", { detail: image })));
    }
    button.append(picture, image.label || image.alt || `${image.width} × ${image.height}`);
    line.append(button);
    return line;
  };

  async function load(after = "") {
    const mine = ++asked;
    try {
      const query = new URLSearchParams({ q: words.value, after });
      const answer = await fetch(`${box.dataset.images}?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = await answer.json();
      if (mine !== asked) return; // a later question has been asked
      if (!after) list.replaceChildren();
      list.append(...page.items.map(item));
      state.textContent = list.children.length ? "" : state.dataset.none;
      more.hidden = !page.next_cursor;
      more.dataset.after = page.next_cursor ?? "";
    } catch {
      if (mine === asked) state.textContent = state.dataset.failed;
    }
  }

  box.addEventListener("toggle", () => box.open && !list.children.length && load());
  box.addEventListener("mailer:images", () => load());
  more.addEventListener("click", () => load(more.dataset.after));
  words.addEventListener("input", (event) => {
    event.stopPropagation(); // not a change of the form around it
    clearTimeout(timer);
    timer = setTimeout(load, 250);
  });
  words.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
}

// <select data-alt-into="id"><option data-alt="…">: the description of the chosen image, unless another was written.
document.addEventListener("change", (event) => {
  const select = event.target.closest?.("select[data-alt-into]");
  const field = select && document.getElementById(select.dataset.altInto);
  if (!field) return;
  const known = [...select.options].map((option) => option.dataset.alt ?? "");
  if (field.value === "" || known.includes(field.value)) field.value = select.selectedOptions[0]?.dataset.alt ?? "";
});

// <form data-crop> with <div data-crop-view data-width data-height>: drawing over the image fills the four numbers.
function crop(form) {
  const view = form.querySelector("[data-crop-view]");
  const part = view.querySelector(".crop-part");
  const [left, top, width, height] = ["left", "top", "width", "height"].map((name) => form.elements.namedItem(name));
  const picture = view.querySelector("img");
  const scale = () => Number(view.dataset.width) / picture.clientWidth;
  let start = null;

  const at = (event) => {
    const box = picture.getBoundingClientRect();
    const clamp = (value, most) => Math.min(Math.max(value, 0), most);
    return [clamp(event.clientX - box.left, box.width), clamp(event.clientY - box.top, box.height)];
  };
  const show = () => {
    const numbers = [left, top, width, height].map((field) => Number(field.value) / scale());
    part.hidden = !(Number(width.value) && Number(height.value));
    ["left", "top", "width", "height"].forEach((name, n) => part.style.setProperty(name, `${numbers[n]}px`));
  };

  view.addEventListener("pointerdown", (event) => {
    start = at(event);
    view.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  view.addEventListener("pointermove", (event) => {
    if (!start) return;
    const end = at(event);
    left.value = Math.round(Math.min(start[0], end[0]) * scale());
    top.value = Math.round(Math.min(start[1], end[1]) * scale());
    width.value = Math.min(Math.round(Math.abs(start[0] - end[0]) * scale()), view.dataset.width - left.value);
    height.value = Math.min(Math.round(Math.abs(start[1] - end[1]) * scale()), view.dataset.height - top.value);
    show();
  });
  for (const type of ["pointerup", "pointercancel"]) view.addEventListener(type, () => (start = null));
  form.addEventListener("input", show);
  addEventListener("resize", show);
  picture.addEventListener("load", show);
  show();
}

document.querySelectorAll("[data-images]").forEach(picker);
document.querySelectorAll("form[data-crop]").forEach(crop);
