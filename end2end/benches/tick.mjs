// What a tick costs in the browser, 12 charts of 10 series and 600 points, beside uPlot with the same values.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bench } from "./shared/bench.mjs";
import { openBrowser, untilLive } from "./shared/browser.mjs";
import { median, percentile, round, table, verdict } from "./shared/figures.mjs";
import { cost } from "./shared/processes.mjs";
import { noise } from "./shared/recordings.mjs";
import { npmPackage } from "./shared/rivals.mjs";
import { startReplay } from "./shared/telltale.mjs";
import { traceTicks } from "./shared/trace.mjs";

const UPLOT = "1.6.32";
const CHARTS = 12;
const SERIES = 10;
/** All charts are in view: what is not, Chromium does not rasterise. */
const VIEWPORT = { width: 1440, height: 1800 };
const SETTLE_MS = 3_000;
const SCRIPT_LIMIT_MS = 5;

/**
 * @typedef {import("@playwright/test").Page} Page
 * @typedef {import("./shared/trace.mjs").Tick} Tick
 * @typedef {{ ticks: Tick[], browser: number[] }} Seen `browser` is the time of all of Chromium's processes, ms a tick
 */

await bench(
  {
    rounds: [3, "turns of each page"],
    ticks: [10, "ticks traced in a turn, and as many without a trace"],
    scale: [1, "device pixels in a CSS pixel"],
  },
  async ({ rounds, ticks, scale }, later) => {
    const folder = npmPackage("uplot", UPLOT);
    const { url } = await startReplay(later, noise(CHARTS, SERIES), "lead=11m");
    const browser = await openBrowser(later);
    const system = await browser.newBrowserCDPSession();
    const { processInfo } = await system.send("SystemInfo.getProcessInfo");
    const pid = processInfo.find(({ type }) => type === "browser")?.id ?? 0;

    let size = { width: 440, height: 160 };
    /** @type {Record<string, (page: Page) => Promise<void>>} */
    const pages = {
      Telltale: async (page) => {
        await page.goto(`${url}/?window=10m`);
        await untilLive(page);
        const charts = await page.locator("figure[data-family^=bench] .plot").all();
        const box = await charts[0]?.boundingBox();
        if (charts.length !== CHARTS || box === null || box === undefined) throw new Error(`${charts.length} charts are drawn`);
        size = { width: Math.round(box.width), height: Math.round(box.height) };
      },
      [`uPlot ${UPLOT}`]: async (page) => {
        await serveUplot(page, url, folder);
        await page.goto(`${url}/uplot`);
        await page.evaluate(drawWithUplot, { ...size, points: 600 });
      },
    };
    /** @type {Record<string, Seen>} */
    const seen = Object.fromEntries(Object.keys(pages).map((name) => [name, { ticks: [], browser: [] }]));
    for (let turn = 0; turn < rounds; turn += 1) {
      for (const [name, open] of Object.entries(pages)) {
        const context = await browser.newContext({ viewport: VIEWPORT, deviceScaleFactor: scale });
        const page = await context.newPage();
        await open(page);
        await sleep(SETTLE_MS);
        const before = cost(pid).cpuSeconds;
        await sleep(ticks * 1000);
        seen[name]?.browser.push(((cost(pid).cpuSeconds - before) * 1000) / ticks);
        seen[name]?.ticks.push(...(await traceTicks(browser, page, ticks)));
        await context.close();
      }
    }
    report(seen, size);
  },
);

/**
 * @param {Record<string, Seen>} seen
 * @param {{ width: number, height: number }} size
 */
function report(seen, size) {
  console.log(`${CHARTS} charts of ${SERIES} series and 600 points, ${size.width} × ${size.height} each; ms a tick, median / p95`);
  /** @type {(keyof Tick)[]} */
  const kinds = ["script", "style", "layout", "paint", "other", "main", "raster"];
  const pair = (/** @type {number[]} */ values) => `${round(median(values))} / ${round(percentile(values, 0.95))}`;
  table(
    ["", ...kinds, "all of Chromium", "ticks"],
    Object.entries(seen).map(([name, { ticks, browser }]) => [
      name,
      ...kinds.map((kind) => pair(ticks.map((tick) => tick[kind]))),
      round(median(browser)),
      ticks.length,
    ]),
  );
  console.log("main is the sum of what stands before it; raster is other threads; Chromium as a whole is taken without a trace.");
  verdict("script a tick", median(seen.Telltale?.ticks.map(({ script }) => script) ?? []), SCRIPT_LIMIT_MS, " ms");
}

/**
 * A page that Telltale's own address answers with, so that uPlot hears the same stream.
 * @param {Page} page
 * @param {string} url
 * @param {string} folder
 */
async function serveUplot(page, url, folder) {
  const read = (/** @type {string} */ name) => readFileSync(join(folder, "dist", name), "utf8");
  const body = `<!doctype html><meta charset=utf-8><title>uPlot</title><style>${read("uPlot.min.css")}
    body { margin: 24px; display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(23rem, 1fr)); font: 14px sans-serif }
    </style><script>${read("uPlot.iife.min.js")}</script><body></body>`;
  await page.route(`${url}/uplot`, (route) => route.fulfill({ contentType: "text/html", body }));
}

/**
 * Runs in the page: a chart a family, each given its newest points at every sample.
 * @param {{ width: number, height: number, points: number }} options
 */
async function drawWithUplot({ width, height, points }) {
  const ask = async (/** @type {string} */ path) => (await fetch(path)).json();
  const catalog = await ask("/api/v1/catalog");
  const { id, data } = await ask("/api/v1/sample");
  const { events } = await ask(`/api/v1/samples?after=${id.split("-")[0]}-${data.t - points * 1000}`);
  /** @type {number[]} */
  const times = [];
  const colours = ["#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#0891b2", "#65a30d", "#dc2626", "#4b5563", "#a16207"];
  const charts = catalog.map((/** @type {import("../recordings/families.mjs").Family} */ family) => {
    const series = family.dimensions.map(({ label }, index) => ({ label, stroke: colours[index], width: 1, points: { show: false } }));
    const options = { title: family.title, width, height, series: [{}, ...series] };
    const columns = family.dimensions.map(() => /** @type {number[]} */ ([]));
    const { uPlot } = /** @type {any} */ (window);
    return { id: family.id, columns, plot: new uPlot(options, [times, ...columns], document.body) };
  });
  const push = (/** @type {any} */ sample) => {
    times.push(sample.t / 1000);
    if (times.length > points) times.shift();
    for (const { id, columns } of charts) {
      for (const [index, column] of columns.entries()) {
        column.push(sample[id][index]);
        if (column.length > points) column.shift();
      }
    }
  };
  const draw = () => {
    for (const { columns, plot } of charts) plot.setData([times, ...columns]);
  };
  for (const event of events) if (event.event === "sample") push(event.data);
  draw();
  const source = new EventSource(`/api/v1/stream?last_event_id=${id}`);
  source.addEventListener("sample", (event) => {
    push(JSON.parse(event.data));
    draw();
  });
}
