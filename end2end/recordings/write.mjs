// Writes the recordings the tests replay into .recordings, afresh and always the same.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hostile } from "./hostile.mjs";
import { huge } from "./huge.mjs";
import { brisk, ordinary } from "./ordinary.mjs";
import { small } from "./small.mjs";

const folder = fileURLToPath(new URL("../.recordings/", import.meta.url));

/** Whether tables of processes stand between the samples. */
const WITH_PROCESSES = true;

export default function write() {
  mkdirSync(folder, { recursive: true });
  const recordings = { ordinary: ordinary(), brisk: brisk(), hostile: hostile(), huge: huge(), small: small() };
  for (const [name, recording] of Object.entries(recordings)) writeFileSync(`${folder}${name}.jsonl`, text(recording));
}

/** The head, then the samples in their order, each with the table of its instant behind it. */
export function text(/** @type {import("./families.mjs").Recording} */ { head, samples, tables }) {
  const scanned = new Map(WITH_PROCESSES ? tables.map((table) => [table.at, table]) : []);
  const lines = samples.flatMap((sample) => {
    const processes = scanned.get(sample.t);
    return processes === undefined ? [sample] : [sample, { processes }];
  });
  return `${[head, ...lines].map((line) => JSON.stringify(line)).join("\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
