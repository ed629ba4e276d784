// Unpacks the Chromium of the npm package @sparticuz/chromium: node unpack.mjs TARGET
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const packed = join(dirname(fileURLToPath(import.meta.url)), "node_modules/@sparticuz/chromium/bin");
const target = process.argv[2];
const beside = `${target}.new`;

function unpacked(name, path) {
  writeFileSync(path, brotliDecompressSync(readFileSync(join(packed, name))), { mode: 0o755 });
}

rmSync(beside, { recursive: true, force: true });
mkdirSync(beside, { recursive: true });
unpacked("chromium.br", join(beside, "chromium"));
for (const name of ["al2023.tar", "fonts.tar", "swiftshader.tar"]) {
  unpacked(`${name}.br`, join(beside, name));
  execFileSync("tar", ["-xf", name], { cwd: beside });
  rmSync(join(beside, name));
}
// Fonts of the package first, so that pictures look alike everywhere; those of the machine after.
writeFileSync(
  join(beside, "fonts.conf"),
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${target}/fonts</dir>` +
    `<dir>/usr/share/fonts</dir><cachedir>${target}/fonts-cache</cachedir></fontconfig>`,
);
rmSync(target, { recursive: true, force: true });
renameSync(beside, target);
