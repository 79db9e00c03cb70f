// How heavy the page's own files are, as they travel: `node weigh.mjs FOLDER`. Fails above the limit.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const LIMIT = 120_000;
const folder = process.argv[2] ?? "../target/site/pkg";

const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(css|js|wasm)$/.test(name))
  .map((name) => {
    const bytes = readFileSync(join(folder, name));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    return { name, bytes: bytes.length, brotli: brotliCompressSync(bytes, { params }).length };
  });
const total = files.reduce((sum, file) => sum + file.brotli, 0);

console.log("Page weight         bytes   brotli");
for (const { name, bytes, brotli } of [...files, { name: `total (limit ${LIMIT})`, bytes: 0, brotli: total }]) {
  console.log(`${String(bytes || "").padStart(25)} ${String(brotli).padStart(8)}  ${name}`);
}
for (const kind of [".css", ".js", ".wasm"]) {
  if (!files.some(({ name }) => name.endsWith(kind))) {
    console.error(`weigh: there is no ${kind} file in ${folder}; mend: ./dev build`);
    process.exit(1);
  }
}
if (total > LIMIT) {
  console.error(`weigh: the page is ${total - LIMIT} bytes too heavy`);
  process.exit(1);
}
