// How soon the page is there and live on a slow phone's terms, beside a static page of the same size.

import { createServer } from "node:http";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { raw } from "../fixtures/raw.mjs";
import { ordinary } from "../recordings/ordinary.mjs";
import { bench } from "./shared/bench.mjs";
import { DESKTOP, openBrowser, untilLive } from "./shared/browser.mjs";
import { median, round, table, verdict } from "./shared/figures.mjs";
import { startReplay } from "./shared/telltale.mjs";

const SLOWER = 4;
const NETWORK = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };
const WATCHED_MS = 5_000;
/** @typedef {Exclude<keyof Run, "shifted">} Figure */
/** @type {Figure[]} */
const FIGURES = ["html", "paint", "contentful", "largest", "live", "shift", "blocking", "longest", "sent"];

/**
 * @typedef {object} Run times in milliseconds since the navigation
 * @property {number} html when its last byte was there
 * @property {number} paint
 * @property {number} contentful
 * @property {number} largest
 * @property {number} live
 * @property {number} shift the sum of layout shifts
 * @property {number} blocking the time tasks took beyond 50 ms each, once something was to be seen
 * @property {number} longest the longest task
 * @property {number} sent kilobytes as they travelled, until 5 s after the page was loaded
 * @property {string[]} shifted what moved, and when
 */

await bench({ runs: [5, "loads of each page"] }, async ({ runs }, later) => {
  const telltale = await startReplay(later, ordinary(), "lead=8m");
  const { body } = await raw(telltale.url, { "accept-encoding": "br" });
  const floor = await startFloor(later, body.length);
  const browser = await openBrowser(later);
  /** @type {{ telltale: Run[], floor: Run[] }} */
  const seen = { telltale: [], floor: [] };
  // The first load warms the programs up, and does not count.
  await load(browser, telltale.url, true);
  for (let run = 0; run < runs; run += 1) {
    seen.telltale.push(await load(browser, telltale.url, true));
    seen.floor.push(await load(browser, floor, false));
  }
  console.log(`CPU ${SLOWER} times slower, 1.6 Mbit/s, 150 ms, nothing cached: medians of ${runs} loads, in ms`);
  const medians = (/** @type {Run[]} */ all) =>
    FIGURES.map((name) => median(all.map((one) => one[name]))).map((figure) => (Number.isNaN(figure) ? "" : round(figure)));
  table(
    ["", "HTML there", "paint", "contentful", "largest", "live", "layout shift", "blocking", "longest task", "KB sent"],
    [["Telltale", ...medians(seen.telltale)], [`static HTML of ${body.length} bytes`, ...medians(seen.floor)]],
  );
  const of = (/** @type {Figure} */ name) => median(seen.telltale.map((run) => run[name]));
  const shifted = new Set(seen.telltale.flatMap((run) => run.shifted));
  if (shifted.size > 0) console.log(["What moved:", ...shifted].join("\n  "));
  verdict("first paint", of("contentful"), 600, " ms");
  verdict("largest paint", of("largest"), 600, " ms");
  verdict("layout shift", of("shift"), 0);
  verdict("blocking time", of("blocking"), 50, " ms");
});

/**
 * @param {import("@playwright/test").Browser} browser
 * @param {string} url
 * @param {boolean} comesAlive
 * @returns {Promise<Run>}
 */
async function load(browser, url, comesAlive) {
  const context = await browser.newContext({ viewport: DESKTOP });
  try {
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    let bytes = 0;
    devtools.on("Network.dataReceived", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await devtools.send("Network.enable");
    await devtools.send("Network.emulateNetworkConditions", NETWORK);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
    await page.addInitScript(noteWhenLive);
    await page.goto(url, { waitUntil: "load", timeout: 60_000 });
    if (comesAlive) await untilLive(page);
    await sleep(WATCHED_MS);
    return { ...(await page.evaluate(readTimes, WATCHED_MS)), sent: bytes / 1000 };
  } finally {
    await context.close();
  }
}

/** Runs in the page before anything of its own. */
function noteWhenLive() {
  const observer = new MutationObserver(() => {
    if (document.querySelector("[data-stream=live]") === null) return;
    performance.mark("live");
    observer.disconnect();
  });
  observer.observe(document, { subtree: true, attributes: true, attributeFilter: ["data-stream"] });
}

/**
 * Runs in the page at the end: everything was buffered.
 * @param {number} watchedMs
 */
async function readTimes(watchedMs) {
  const entries = async (/** @type {string} */ type) => {
    /** @type {PerformanceEntry[]} */
    const found = [];
    const observer = new PerformanceObserver((list) => found.push(...list.getEntries()));
    observer.observe({ type, buffered: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
    observer.disconnect();
    return found;
  };
  const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const paint = (/** @type {string} */ name) => performance.getEntriesByName(name)[0]?.startTime ?? Number.NaN;
  const shifts = /** @type {(PerformanceEntry & { value: number, sources: { node?: Node }[] })[]} */ (await entries("layout-shift"));
  const place = (/** @type {Node | undefined} */ node) => {
    const element = node instanceof Element ? node : node?.parentElement;
    const figure = element?.closest("figure")?.getAttribute("data-family");
    return `${element?.tagName.toLowerCase()}.${element?.className}${figure === undefined ? "" : ` in ${figure}`}`;
  };
  const until = (navigation?.loadEventEnd ?? 0) + watchedMs;
  const seen = paint("first-contentful-paint");
  const tasks = (await entries("longtask")).filter(({ startTime, duration }) => startTime + duration > seen && startTime < until);
  // As everybody counts it: of a task that was running when the page appeared, what came after.
  const beyond = tasks.map(({ startTime, duration }) => Math.min(duration - 50, startTime + duration - seen));
  return {
    html: navigation?.responseEnd ?? Number.NaN,
    paint: paint("first-paint"),
    contentful: seen,
    largest: (await entries("largest-contentful-paint")).at(-1)?.startTime ?? Number.NaN,
    live: performance.getEntriesByName("live")[0]?.startTime ?? Number.NaN,
    shift: shifts.reduce((sum, { value }) => sum + value, 0),
    shifted: shifts.map(({ startTime, value, sources }) => {
      const when = startTime < until - watchedMs ? "while it loads" : "once it moves";
      return `${when}, ${value.toPrecision(2)}: ${sources.map(({ node }) => place(node)).join(", ")}`;
    }),
    blocking: beyond.reduce((sum, time) => sum + Math.max(0, time), 0),
    longest: Math.max(0, ...tasks.map(({ duration }) => duration)),
  };
}

/**
 * A page that is as long on the wire and has nothing to do: what no server and no page can beat here.
 * @param {import("./shared/bench.mjs").Later} later
 * @param {number} bytes
 */
async function startFloor(later, bytes) {
  const [head, end] = ["<!doctype html><meta charset=utf-8><title>Floor</title><!--", "--><h1>Floor</h1>"];
  const filling = randomBytes(bytes).toString("base64").slice(0, bytes - head.length - end.length);
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(head + filling + end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  later(() => server.closeAllConnections());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the static server has no port");
  return `http://127.0.0.1:${address.port}`;
}
