// A day of ticks in the page and minutes of viewers at the server: what grows, and how fast.

import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { chance } from "../recordings/chance.mjs";
import { ordinary } from "../recordings/ordinary.mjs";
import { bench } from "./shared/bench.mjs";
import { DESKTOP, openBrowser, untilLive } from "./shared/browser.mjs";
import { playDay } from "./shared/day.mjs";
import { MIB, round, slope, table, verdict } from "./shared/figures.mjs";
import { cost } from "./shared/processes.mjs";
import { startReplay } from "./shared/telltale.mjs";

const HEAP_LIMIT_MB_PER_HOUR = 1;
const WINDOW_TICKS = 620;
/** So many samples a second: what the server keeps is full from the start, and renewed every few minutes. */
const SPEED = 50;
const VIEWERS = 20;

/** @typedef {{ tick: number, heapMib: number, wasmMib: number, nodes: number, listeners: number }} Look */

await bench(
  {
    ticks: [86_400, "ticks in the page"],
    every: [3_600, "ticks between two looks"],
    minutes: [5, "of viewers coming and going at the server"],
  },
  async ({ ticks, every, minutes }, later) => {
    await soakPage(later, ticks, Math.min(every, Math.ceil(ticks / 6)));
    console.log();
    await soakServer(later, minutes);
  },
);

/**
 * @param {import("./shared/bench.mjs").Later} later
 * @param {number} ticks
 * @param {number} every
 */
async function soakPage(later, ticks, every) {
  const recording = ordinary();
  const { url } = await startReplay(later, recording, "lead=10m");
  const hello = await firstHello(url);
  const browser = await openBrowser(later);
  const context = await browser.newContext({ viewport: DESKTOP });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  for (const domain of /** @type {const} */ (["HeapProfiler.enable", "Runtime.enable"])) await devtools.send(domain);
  await page.addInitScript(playDay, { lines: recording.samples.map((sample) => JSON.stringify(sample)), hello });
  await page.goto(url);
  await page.evaluate(() => /** @type {any} */ (window).day.play(1));
  await untilLive(page);

  /** @type {Look[]} */
  const looks = [];
  const look = async (/** @type {number} */ tick) => {
    for (let times = 0; times < 2; times += 1) await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await devtools.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await devtools.send("Memory.getDOMCounters");
    const wasm = await page.evaluate(() => /** @type {any} */ (window).day.wasmBytes());
    looks.push({ tick, heapMib: usedSize / MIB, wasmMib: wasm / MIB, nodes, listeners: jsEventListeners });
  };
  const began = performance.now();
  for (let tick = 0; tick < ticks; tick += every) {
    await look(tick);
    await page.evaluate((count) => /** @type {any} */ (window).day.play(count), Math.min(every, ticks - tick));
  }
  await look(ticks);
  const link = await page.locator("[data-stream]").getAttribute("data-stream");
  await context.close();

  console.log(`The page: ${ticks} ticks in ${Math.round((performance.now() - began) / 1000)} s, the stream lost once an hour; ${link} at the end`);
  table(
    ["tick", "heap MiB", "wasm MiB", "DOM nodes", "listeners"],
    looks.map(({ tick, heapMib, wasmMib, nodes, listeners }) => [tick, heapMib.toFixed(3), round(wasmMib), nodes, listeners]),
  );
  const full = looks.filter(({ tick }) => tick >= Math.max(WINDOW_TICKS, every));
  const rise = (/** @type {(look: Look) => number} */ of) => slope(full.map((look) => [look.tick / 3600, of(look)]));
  verdict("heap slope once the window is full", rise(({ heapMib }) => heapMib) * (MIB / 1e6), HEAP_LIMIT_MB_PER_HOUR, " MB/h");
  verdict("wasm memory slope", rise(({ wasmMib }) => wasmMib) * (MIB / 1e6), HEAP_LIMIT_MB_PER_HOUR, " MB/h");
  const spread = (/** @type {number[]} */ counts) => Math.max(...counts) - Math.min(...counts);
  console.log(`DOM nodes differ by ${spread(full.map(({ nodes }) => nodes))}, listeners by ${spread(full.map(({ listeners }) => listeners))}`);
}

/**
 * The server's memory while viewers open the page, follow the stream for a moment and go.
 * @param {import("./shared/bench.mjs").Later} later
 * @param {number} minutes
 */
async function soakServer(later, minutes) {
  const { url, pid } = await startReplay(later, ordinary(), `speed=${SPEED}&lead=${10 * SPEED}m`);
  const random = chance(3);
  const end = performance.now() + minutes * 60_000;
  let visits = 0;
  const visitor = async () => {
    for (; performance.now() < end; visits += 1) {
      if (random.once(0.5)) await follow(url, random.once(0.3), 50);
      await follow(`${url}/api/v1/stream`, random.once(0.5), 100 + 4_000 * random.next());
    }
  };
  const visitors = Array.from({ length: VIEWERS }, visitor);
  /** @type {[hours: number, mib: number][]} */
  const memory = [];
  for (let second = 0; performance.now() < end; second += 5) {
    memory.push([second / 3600, cost(pid).residentBytes / MIB]);
    await sleep(5_000);
  }
  await Promise.all(visitors);
  const half = memory.slice(Math.floor(memory.length / 2));
  const ticks = SPEED * minutes * 60;
  console.log(`The server: ${VIEWERS} viewers come and go, ${visits} visits in ${minutes} min, ${ticks} ticks`);
  const shown = memory.filter((_, index) => index % Math.ceil(memory.length / 12) === 0);
  table(["minute", "resident MiB"], shown.map(([hours, mib]) => [(hours * 60).toFixed(1), round(mib)]));
  const [first, last] = [half[0]?.[1] ?? 0, half.at(-1)?.[1] ?? 0];
  console.log(
    `slope over the second half: ${round((slope(half) * 24) / SPEED)} MiB in a day of ticks, from ${round(first)} to ${round(last)} MiB` +
      ` (${SPEED} samples a second: what is kept for ten minutes is that many times as much)`,
  );
}

/**
 * Reads an answer for so long and hangs up.
 * @param {string} url
 * @param {boolean} zipped
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
function follow(url, zipped, milliseconds) {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, headers: zipped ? { "accept-encoding": "gzip" } : {} }, (response) => {
      response.on("error", () => {}).resume();
    });
    request.on("error", () => {}).on("close", resolve);
    setTimeout(() => request.destroy(), milliseconds);
  });
}

/** The greeting of a stream, which the page expects of every connection. */
async function firstHello(/** @type {string} */ url) {
  const { body } = await fetch(`${url}/api/v1/stream`);
  if (body === null) throw new Error("the stream has no body");
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the stream does not greet");
    text += value;
    const hello = /^event: ?hello\ndata: ?(.*)\n/m.exec(text)?.[1];
    if (hello !== undefined) {
      await reader.cancel();
      return hello;
    }
  }
}
