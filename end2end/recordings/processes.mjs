// Who runs on a machine: tables of processes, as a server's scans of `/proc` would give them.

import { chance } from "./chance.mjs";

/**
 * @typedef {object} Process
 * @property {number} pid
 * @property {string} name
 * @property {string | null} user
 * @property {number | null} cpu_percent 100 is one core
 * @property {number | null} memory_bytes
 * @property {number | null} read_bytes_per_s
 * @property {number | null} written_bytes_per_s
 * @property {number | null} threads
 * @property {number | null} started_at
 * @property {string} [arguments]
 *
 * @typedef {{ at: number, total: number, processes: Process[] }} ProcessTable
 */

/**
 * What a program does, in each of its processes. A figure is a number, or a function of how busy the machine is.
 * @template Phase
 * @typedef {object} Program
 * @property {string} name `{}` in it becomes the number of the process
 * @property {string} user
 * @property {Figure<Phase>} [cpu]
 * @property {Figure<Phase>} [memory] in bytes
 * @property {Figure<Phase>} [read] in bytes per second
 * @property {Figure<Phase>} [written] in bytes per second
 * @property {number} [threads]
 * @property {number} [count] how many processes of it there are
 * @property {number} [started] seconds after the boot
 * @property {boolean} [isClosed] what it reads and writes can't be read
 * @property {boolean} [isBrief] each process of it lives for less than a scan's distance
 * @property {(phase: Phase) => boolean} [runs] when it runs; without it, always
 */

/**
 * @template Phase
 * @typedef {number | ((phase: Phase) => number)} Figure
 */

/** How many seconds are between two scans. */
export const SCAN_SECONDS = 10;

/**
 * The tables of a machine where these programs run. Call the result with increasing times.
 * @template Phase
 * @param {Program<Phase>[]} programs
 * @param {{ bootedAt: number, seed: number, unseen?: number }} options `unseen` processes are counted and not told
 * @returns {(at: number, phase: Phase) => ProcessTable}
 */
export function crowd(programs, { bootedAt, seed, unseen = 0 }) {
  const random = chance(seed);
  let lastPid = 0;
  const freshPid = (/** @type {number} */ distance) => (lastPid += 1 + Math.floor(random.next() * distance));
  /** Those that live on from one scan to the next. */
  const members = programs.map((program) =>
    Array.from({ length: program.count ?? 1 }, () => ({
      pid: program.isBrief || program.runs ? 0 : lastPid === 0 ? (lastPid = 1) : freshPid(program.started ? 40 : 2),
      startedAt: bootedAt + (program.started ?? 0) * 1000,
    })),
  );
  return (at, phase) => {
    const processes = programs.flatMap((program, index) => {
      const alive = program.runs?.(phase) ?? true;
      return (members[index] ?? []).flatMap((member, number) => {
        if (!alive) {
          member.pid = 0;
          return [];
        }
        if (program.isBrief || member.pid === 0) {
          member.pid = freshPid(60);
          member.startedAt = at - Math.floor(random.next() * (program.isBrief ? 3 : SCAN_SECONDS)) * 1000;
        }
        return [process(program, phase, random, member, number)];
      });
    });
    return { at, total: processes.length + unseen, processes };
  };
}

/**
 * @template Phase
 * @param {Program<Phase>} program
 * @param {Phase} phase
 * @param {ReturnType<typeof chance>} random
 * @param {{ pid: number, startedAt: number }} member
 * @param {number} number
 * @returns {Process}
 */
function process(program, phase, random, { pid, startedAt }, number) {
  const figure = (/** @type {Figure<Phase>} */ value, spread = 0.5) => {
    const mean = typeof value === "function" ? value(phase) : value;
    return mean === 0 ? 0 : mean * (1 + (random.next() - 0.5) * spread);
  };
  const bytes = (/** @type {Figure<Phase> | undefined} */ rate) =>
    program.isClosed ? null : Math.round(figure(rate ?? 0));
  return {
    pid,
    name: program.name.replace("{}", `${number}`),
    user: program.user,
    cpu_percent: Math.round(figure(program.cpu ?? 0) * 100) / 100,
    // The kernel counts pages.
    memory_bytes: Math.round(figure(program.memory ?? 0, 0.04) / 4096) * 4096,
    read_bytes_per_s: bytes(program.read),
    written_bytes_per_s: bytes(program.written),
    threads: program.threads ?? 1,
    started_at: startedAt,
  };
}
