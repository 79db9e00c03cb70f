// Chromium's own trace of a page, and what its threads did by kind of work.

import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {object} Event
 * @property {string} name
 * @property {string} ph
 * @property {number} pid
 * @property {number} tid
 * @property {number} ts microseconds
 * @property {number} [dur]
 * @property {number} [tdur] of it, what the thread had of a processor
 * @property {{ name?: string }} [args]
 *
 * @typedef {{ script: number, style: number, layout: number, paint: number, other: number }} Work milliseconds of the main thread, each counted once
 * @typedef {Work & { main: number, raster: number }} Tick `raster` is the work of other threads
 */

const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "v8", "toplevel", "cc"];

/** What is not named belongs to what it happens in. @type {Record<string, keyof Work>} */
const KINDS = {
  FunctionCall: "script",
  EvaluateScript: "script",
  EventDispatch: "script",
  TimerFire: "script",
  FireAnimationFrame: "script",
  RunMicrotasks: "script",
  "v8.run": "script",
  MinorGC: "script",
  MajorGC: "script",
  "V8.GC_MC_INCREMENTAL": "script",
  UpdateLayoutTree: "style",
  Layout: "layout",
  PrePaint: "paint",
  Paint: "paint",
  Layerize: "paint",
  Commit: "paint",
};

/**
 * What each second of a page costs.
 * @param {import("@playwright/test").Browser} browser
 * @param {import("@playwright/test").Page} page
 * @param {number} seconds
 * @returns {Promise<Tick[]>}
 */
export async function traceTicks(browser, page, seconds) {
  await browser.startTracing(page, { categories: CATEGORIES });
  await sleep((seconds + 1.5) * 1000);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  return ticksOf(traceEvents, seconds);
}

/**
 * @param {Event[]} events
 * @param {number} seconds
 */
export function ticksOf(events, seconds) {
  const main = busiest(events);
  const complete = events.filter(({ ph, dur }) => ph === "X" && dur !== undefined);
  const mine = complete.filter(({ pid, tid }) => pid === main.pid && tid === main.tid);
  mine.sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  // A tick begins a little before the first script that takes a while, so that none is cut in two.
  const heavy = mine.filter(({ name }) => name === "EventDispatch" || name === "FunctionCall");
  const longest = Math.max(0, ...heavy.map(time));
  const start = (heavy.find((event) => time(event) > longest / 3)?.ts ?? 0) - 100_000;
  const ticks = Array.from({ length: seconds }, () => ({ script: 0, style: 0, layout: 0, paint: 0, other: 0, main: 0, raster: 0 }));
  const at = (/** @type {Event} */ { ts }) => ticks[Math.floor((ts - start) / 1_000_000)];

  /** @type {{ end: number, kind: keyof Work }[]} */
  const open = [];
  for (const event of mine) {
    while (open.length > 0 && (open.at(-1)?.end ?? 0) <= event.ts) open.pop();
    const within = open.at(-1);
    const kind = KINDS[event.name] ?? within?.kind ?? "other";
    const tick = at(event);
    if (tick !== undefined) {
      tick[kind] += time(event);
      // Counted where it happens, so not in what it happens in.
      if (within === undefined) tick.main += time(event);
      else tick[within.kind] -= time(event);
    }
    open.push({ end: event.ts + (event.dur ?? 0), kind });
  }
  for (const event of complete) {
    const tick = at(event);
    if (tick !== undefined && event.pid === main.pid && event.name === "RasterTask") tick.raster += time(event);
  }
  return ticks;
}

/** The processor's time where the trace has it: the machine may be busy with other things. */
function time(/** @type {Event} */ { tdur, dur }) {
  return (tdur ?? dur ?? 0) / 1000;
}

/** The main thread that runs the most. */
function busiest(/** @type {Event[]} */ events) {
  const mains = events.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain");
  const [first] = mains
    .map(({ pid, tid }) => ({ pid, tid, count: events.filter((event) => event.pid === pid && event.tid === tid).length }))
    .sort((a, b) => b.count - a.count);
  if (first === undefined) throw new Error("the trace knows no main thread");
  return first;
}
