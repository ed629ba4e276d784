// <div id="reference" data-url="/api/v1/openapi.json">: the reference of the API, drawn from the description itself.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./reference.css";

const place = document.getElementById("reference");
SwaggerUI({
  domNode: place,
  url: place.dataset.url,
  presets: [SwaggerUI.presets.apis],
  // the page has its own heading
  plugins: [() => ({ wrapComponents: { info: () => () => null, InfoContainer: () => () => null } })],
  // Deep links put an anchor inside a button.
  deepLinking: false,
  docExpansion: "list",
  validatorUrl: null,
  // Requests go out from a program with its key, not from this page.
  supportedSubmitMethods: [],
});
