// What processes cost, from /proc: a program and all that it started.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** @typedef {{ cpuSeconds: number, residentBytes: number, shareBytes: number, processes: number }} Cost */

/**
 * What a program has cost so far, and holds now. `shareBytes` counts what processes share only once.
 * @param {number} pid
 * @returns {Cost}
 */
export function cost(pid) {
  const sum = { cpuSeconds: 0, residentBytes: 0, shareBytes: 0, processes: 0 };
  for (const [each, stat] of family(pid)) {
    // Its own time and that of children that have ended, in user mode and in the kernel.
    const ticks = stat.slice(11, 15).reduce((total, field) => total + Number(field), 0);
    sum.cpuSeconds += ticks / TICKS_PER_SECOND;
    sum.residentBytes += kilobytes(`/proc/${each}/status`, "VmRSS");
    sum.shareBytes += kilobytes(`/proc/${each}/smaps_rollup`, "Pss");
    sum.processes += 1;
  }
  return sum;
}

/** A process and its descendants, each with the fields of its stat after the name. */
function family(/** @type {number} */ root) {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => /** @type {[number, string[]]} */ ([Number(name), statOf(name)]));
  const found = new Set([root]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [pid, stat] of all) if (found.has(Number(stat[1]))) found.add(pid);
  }
  return all.filter(([pid]) => found.has(pid));
}

function statOf(/** @type {string} */ pid) {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function kilobytes(/** @type {string} */ file, /** @type {string} */ name) {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(read(file))?.[1] ?? 0);
}

/** A process may end between two looks. */
function read(/** @type {string} */ file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
