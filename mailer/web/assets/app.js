// What every signed-in page loads. Each module works on attributes that templates set; nothing here holds words.
import "./htmx.js";
import Alpine from "@alpinejs/csp";
import "./autosave.js";
import "./controls.js";
import "./focus.js";
import "./images.js";

window.Alpine = Alpine;
Alpine.start();
