// htmx 4 and its extensions, under a CSP without eval and without inline styles.
import htmx from "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";
import "htmx.org/dist/ext/hx-alpine-compat.js";

// 422 and 409 answer with the form itself; a fault of ours must not replace what the person typed.
htmx.config.noSwap = [204, 304, "5xx"];

function fault(detail) {
  // <div id="fault" class="callout callout--danger" role="alert" tabindex="-1" hidden>…<span data-request-id></span></div>
  const banner = document.getElementById("fault");
  if (!banner) return;
  const number = detail.ctx?.response?.headers?.get("X-Request-ID") ?? "";
  for (const place of banner.querySelectorAll("[data-request-id]")) place.textContent = number;
  banner.hidden = false;
  banner.focus();
}

document.addEventListener("htmx:response:error", (event) => {
  if ((event.detail.ctx?.response?.status ?? 500) >= 500) fault(event.detail);
});
document.addEventListener("htmx:error", (event) => fault(event.detail));
document.addEventListener("htmx:after:swap", (event) => {
  // Fired for an answer that was not swapped, too.
  const banner = document.getElementById("fault");
  if (banner && (event.detail.ctx?.response?.status ?? 200) < 500) banner.hidden = true;
});
