// Unpacks the Chromium of the npm package @sparticuz/chromium: node unpack.mjs TARGET
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";

const packed = join(dirname(fileURLToPath(import.meta.url)), "node_modules/@sparticuz/chromium/bin");
const target = process.argv[2];
const beside = `${target}.new`;

async function untar(name, folder) {
  await mkdir(folder, { recursive: true });
  const tar = spawn("tar", ["-x", "-C", folder], { stdio: ["pipe", "inherit", "inherit"] });
  const ended = new Promise((resolve, reject) =>
    tar.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`tar of ${name} ended with ${code}`)))),
  );
  const fed = pipeline(createReadStream(join(packed, name)), createBrotliDecompress(), tar.stdin).catch((error) => {
    // tar stops reading at the end mark, before the padding: its exit status is what counts.
    if (error.code !== "EPIPE") throw error;
  });
  await Promise.all([fed, ended]);
}

await rm(beside, { recursive: true, force: true });
await mkdir(beside, { recursive: true });
await Promise.all([
  pipeline(
    createReadStream(join(packed, "chromium.br")),
    createBrotliDecompress(),
    createWriteStream(join(beside, "chromium")),
  ),
  untar("al2023.tar.br", beside),
  untar("fonts.tar.br", beside),
  untar("swiftshader.tar.br", beside),
]);
// Fonts of the package first, so that pictures look alike everywhere; those of the machine after.
await writeFile(
  join(beside, "fonts.conf"),
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${target}/fonts</dir>` +
    `<dir>/usr/share/fonts</dir><cachedir>${target}/fonts-cache</cachedir></fontconfig>`,
);
await chmod(join(beside, "chromium"), 0o755);
await rm(target, { recursive: true, force: true });
await rename(beside, target);
