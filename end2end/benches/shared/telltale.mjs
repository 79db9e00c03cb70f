// Telltale under a bench: in a folder of its own, on a free port, with a recording or with this machine.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../../fixtures/launch.mjs";
import { text } from "../../recordings/write.mjs";

/**
 * @param {import("./bench.mjs").Later} later
 * @param {string[]} args
 */
export async function startTelltale(later, args) {
  const home = temporaryFolder(later);
  const { process, url } = await launch(home, ["--listen", "127.0.0.1:0", ...args]);
  later(() => endProcess(process));
  return { url, pid: process.pid ?? 0 };
}

/**
 * One that replays a recording.
 * @param {import("./bench.mjs").Later} later
 * @param {import("../../recordings/families.mjs").Recording} recording
 * @param {string} query `lead=8m`
 */
export function startReplay(later, recording, query) {
  const file = join(temporaryFolder(later), "recording.jsonl");
  writeFileSync(file, text(recording));
  return startTelltale(later, ["--source", `replay:${file}?${query}`]);
}

/** @param {import("./bench.mjs").Later} later */
export function temporaryFolder(later) {
  const folder = mkdtempSync(join(tmpdir(), "telltale-bench-"));
  later(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Asks a process to stop, and kills it when it does not. */
export async function endProcess(/** @type {import("node:child_process").ChildProcess} */ child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const patience = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await gone;
  clearTimeout(patience);
}
