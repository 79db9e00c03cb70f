// Writes the recordings the tests replay into .recordings, afresh and always the same.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hostile } from "./hostile.mjs";
import { brisk, ordinary } from "./ordinary.mjs";

const folder = fileURLToPath(new URL("../.recordings/", import.meta.url));

export default function write() {
  mkdirSync(folder, { recursive: true });
  const recordings = { ordinary: ordinary(), brisk: brisk(), hostile: hostile() };
  for (const [name, { head, samples }] of Object.entries(recordings)) {
    writeFileSync(`${folder}${name}.jsonl`, `${[head, ...samples].map((line) => JSON.stringify(line)).join("\n")}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
