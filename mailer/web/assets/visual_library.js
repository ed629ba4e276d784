// The account's images over the editor: a press puts one into a block, with its description and its width.
import { attribute, quoted, setAttribute } from "./visual_tree.js";

export class Library {
  // `put(node)` is called after the block changed, `closed(node)` when the window is gone, with or without an image.
  constructor(dialog, { put, closed }) {
    this.dialog = dialog;
    dialog.addEventListener("mailer:image", ({ detail }) => {
      take(this.node, detail);
      put(this.node);
      dialog.close();
    });
    dialog.addEventListener("close", () => closed(this.node));
  }

  open(node) {
    this.node = node;
    this.dialog.dispatchEvent(new CustomEvent("mailer:images"));
    this.dialog.showModal();
  }
}

// A description that somebody wrote for this mail stays; one that came with the image before goes with it.
function take(node, image) {
  const known = node.described ?? null;
  setAttribute(node, "src", quoted(image.url));
  setAttribute(node, "width", `${image.shown_width}px`);
  if (attribute(node, "alt") === known) {
    node.described = image.described ? quoted(image.alt) : null;
    setAttribute(node, "alt", node.described);
  }
}
