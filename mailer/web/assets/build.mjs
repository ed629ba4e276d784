// Bundles our scripts and styles into ../static/dist: node build.mjs. Prints the weights and fails above the limits.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "../static/dist");

// Of an ordinary page, compressed (ui.md 2.3); recipients' pages load one sheet.
const LIMITS = { "app.css": 90_000, "app.js": 45_000, "recipient.css": 4_000, "visual.js": 20_000 };

const ICONS =
  "archive arrow-left arrow-right at-sign ban calendar chart-column check chevron-down chevron-left chevron-right " +
  "circle circle-check circle-dashed circle-dot circle-help circle-x clock code columns-2 columns-3 copy download " +
  "ellipsis external-link eye file-text flask-conical globe heading hourglass house image inbox info key languages " +
  "layout-template link list list-checks lock log-out mail menu minus monitor moon octagon-alert panel-bottom pause " +
  "pencil play plus rectangle-horizontal redo-2 refresh-cw search send settings share-2 shield square sun tag " +
  "text-quote trash-2 triangle-alert type undo-2 unfold-vertical upload user user-plus users x";

function bundle(names) {
  return build({
    absWorkingDir: here,
    entryPoints: names,
    outdir: dist,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2023",
    legalComments: "linked",
    loader: { ".svg": "copy" },
    assetNames: "[name]",
    logLevel: "warning",
  });
}

// `img-src 'self'` has no data: pictures, so those inside style sheets become files.
function pictures() {
  for (const name of readdirSync(dist).filter((file) => file.endsWith(".css"))) {
    const path = join(dist, name);
    const css = readFileSync(path, "utf8").replace(
      /url\((["']?)data:image\/(svg\+xml|png|jpeg|gif)((?:;[\w=-]+)*),(.*?)\1\)/gs,
      (whole, quote, type, parameters, data) => {
        if (quote === "" && data.includes("(")) throw new Error(`Unquoted picture in ${name}`);
        const plain = data.replace(/\\(["'\n])/g, "$1");
        const bytes = parameters.includes("base64") ? Buffer.from(plain, "base64") : decodeURIComponent(plain);
        const file = `picture-${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}.${type.slice(0, 3)}`;
        writeFileSync(join(dist, file), bytes);
        return `url("${file}")`;
      },
    );
    if (/url\(["']?data:/.test(css)) throw new Error(`${name} still holds data: addresses`);
    writeFileSync(path, css);
  }
}

// icons/{name}.svg to write into a page, and one sprite: <svg class="icon" aria-hidden="true"><use href="…/icons.svg#send"/></svg>
function icons() {
  mkdirSync(join(dist, "icons"));
  let sprite = "";
  for (const name of ICONS.split(" ")) {
    const svg = readFileSync(join(here, "node_modules/lucide-static/icons", `${name}.svg`), "utf8");
    const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>")).replace(/\s*\n\s*/g, "");
    writeFileSync(
      join(dist, "icons", `${name}.svg`),
      `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${inner}</svg>\n`,
    );
    sprite += `<symbol id="${name}" viewBox="0 0 24 24">${inner}</symbol>`;
  }
  writeFileSync(join(dist, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${sprite}</svg>\n`);
}

// What mail programs show of CSS, HTML and image formats: of caniemail's data the newest answer for the programs that
// the linter names, "n" only. The rest of the package is not used: package.json gives its dependencies away.
function mailPrograms() {
  const told = ["gmail", "outlook", "apple-mail", "orange", "laposte"];
  const { data, last_update_date: date, nicenames } = JSON.parse(
    readFileSync(join(here, "node_modules/caniemail/data/caniemail.json"), "utf8"),
  );
  const features = {};
  for (const { slug, title, url, stats } of data.filter((one) => /^(css|html|image)-/.test(one.slug))) {
    const missing = {};
    for (const name of told.filter((one) => stats[one])) {
      const newest = Object.entries(stats[name]).map(([platform, versions]) => [platform, Object.values(versions).at(-1)]);
      const without = newest.filter(([, answer]) => answer.startsWith("n")).map(([platform]) => platform);
      if (without.length) missing[name] = without.length === newest.length ? [] : without;
    }
    features[slug] = { title, url, missing };
  }
  const names = Object.fromEntries(told.map((one) => [one, nicenames.family[one]]));
  const platforms = nicenames.platform;
  writeFileSync(join(dist, "mail_programs.json"), JSON.stringify({ date: date.slice(0, 10), names, platforms, features }));
}

// Compressed copies beside (a server sends them as they are), and the hash of each for immutable addresses.
function finish() {
  const hashes = {};
  let tooHeavy = false;
  for (const name of readdirSync(dist).filter((file) => /\.(js|css|svg)$/.test(file)).sort()) {
    const bytes = readFileSync(join(dist, name));
    hashes[name] = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
    if (name.startsWith("picture-") || name === "select.svg") continue;
    const gzip = gzipSync(bytes, { level: 9 });
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
    writeFileSync(join(dist, `${name}.gz`), gzip);
    writeFileSync(join(dist, `${name}.br`), brotli);
    const limit = LIMITS[name];
    const word = limit && gzip.length > limit ? "  TOO HEAVY" : "";
    tooHeavy ||= word !== "";
    const column = (value) => String(value).padStart(9);
    console.log(`${name.padEnd(16)}${column(bytes.length)}${column(gzip.length)} gz${column(brotli.length)} br${word}`);
  }
  writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(hashes, null, 2)}\n`);
  if (tooHeavy) process.exitCode = 1;
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await bundle(["app.js", "app.css", "chart.js", "editor.js", "recipient.css", "reference.js", "theme.js",
  "visual.js", "visual_canvas.js"]);
pictures();
icons();
mailPrograms();
finish();
