// How heavy the page's own files are, as they travel: `node weigh.mjs FOLDER`. Fails above the limit.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

export const LIMIT = 120_000;

/**
 * The page's own files, in bytes and in brotli.
 * @param {string} folder
 */
export function weigh(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(css|js|wasm)$/.test(name))
    .map((name) => {
      const bytes = readFileSync(join(folder, name));
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
      return { name, bytes: bytes.length, brotli: brotliCompressSync(bytes, { params }).length };
    });
  for (const kind of [".css", ".js", ".wasm"]) {
    if (!files.some(({ name }) => name.endsWith(kind))) {
      throw new Error(`there is no ${kind} file in ${folder}; mend: ./dev build`);
    }
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = weigh(process.argv[2] ?? "../target/site/pkg");
  const total = files.reduce((sum, file) => sum + file.brotli, 0);
  console.log("Page weight         bytes   brotli");
  for (const { name, bytes, brotli } of [...files, { name: `total (limit ${LIMIT})`, bytes: 0, brotli: total }]) {
    console.log(`${String(bytes || "").padStart(25)} ${String(brotli).padStart(8)}  ${name}`);
  }
  if (total > LIMIT) {
    console.error(`weigh: the page is ${total - LIMIT} bytes too heavy`);
    process.exit(1);
  }
}
