// What Telltale itself costs at one sample a second with its page open, beside node_exporter and Netdata.

import { setTimeout as sleep } from "node:timers/promises";
import { bench } from "./shared/bench.mjs";
import { DESKTOP, openBrowser, untilLive } from "./shared/browser.mjs";
import { MIB, median, round, table, verdict } from "./shared/figures.mjs";
import { cost } from "./shared/processes.mjs";
import { startNetdata, startNodeExporter } from "./shared/rivals.mjs";
import { startTelltale } from "./shared/telltale.mjs";

const SETTLE_MS = 5_000;
const CPU_LIMIT_PERCENT = 0.5;
const MEMORY_LIMIT_MIB = 25;

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {number} pid
 * @property {() => Promise<number>} series how many it measures
 * @property {(later: import("./shared/bench.mjs").Later) => Promise<void>} watch has it watched as people do
 *
 * @typedef {{ cpuPercent: number, residentMib: number, shareMib: number, processes: number }} Window
 */

await bench(
  { seconds: [60, "length of a window"], rounds: [3, "windows of each program"] },
  async ({ seconds, rounds }, later) => {
    const browser = await openBrowser(later);
    const open = async (/** @type {import("./shared/bench.mjs").Later} */ done, /** @type {string} */ url) => {
      const context = await browser.newContext({ viewport: DESKTOP });
      done(() => context.close());
      const page = await context.newPage();
      await page.goto(url, { waitUntil: "domcontentloaded" });
      return page;
    };
    const programs = [await telltale(later, open), await nodeExporter(later), await netdata(later, open)];
    /** @type {Map<Program, Window[]>} */
    const seen = new Map(programs.map((program) => [program, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const program of programs) seen.get(program)?.push(await watch(program, seconds));
    }

    console.log(`One sample a second; medians of ${rounds} windows of ${seconds} s, in turn. CPU is of one core, with all children.`);
    const of = (/** @type {Program} */ program, /** @type {keyof Window} */ name) =>
      median(seen.get(program)?.map((window) => window[name]) ?? []);
    table(
      ["", "CPU %", "resident MiB", "its share MiB", "processes", "series"],
      await Promise.all(
        programs.map(async (program) => [
          program.name,
          of(program, "cpuPercent").toFixed(2),
          round(of(program, "residentMib")),
          round(of(program, "shareMib")),
          of(program, "processes"),
          await program.series(),
        ]),
      ),
    );
    const [own] = programs;
    if (own === undefined) return;
    verdict("CPU", of(own, "cpuPercent"), CPU_LIMIT_PERCENT, " %");
    verdict("resident memory", of(own, "residentMib"), MEMORY_LIMIT_MIB, " MiB");
  },
);

/**
 * @param {Program} program
 * @param {number} seconds
 * @returns {Promise<Window>}
 */
async function watch(program, seconds) {
  /** @type {(() => unknown)[]} */
  const done = [];
  await program.watch((cleanup) => done.push(cleanup));
  try {
    await sleep(SETTLE_MS);
    const [before, began] = [cost(program.pid), performance.now()];
    await sleep(seconds * 1000);
    const [after, elapsed] = [cost(program.pid), (performance.now() - began) / 1000];
    return {
      cpuPercent: (100 * (after.cpuSeconds - before.cpuSeconds)) / elapsed,
      residentMib: after.residentBytes / MIB,
      shareMib: after.shareBytes / MIB,
      processes: after.processes,
    };
  } finally {
    for (const cleanup of done.reverse()) await cleanup();
  }
}

/** @typedef {(done: import("./shared/bench.mjs").Later, url: string) => Promise<import("@playwright/test").Page>} Open */

/** @param {import("./shared/bench.mjs").Later} later @param {Open} open @returns {Promise<Program>} */
async function telltale(later, open) {
  const { url, pid } = await startTelltale(later, ["--interval", "1s"]);
  const series = async () => {
    /** @type {{ dimensions: unknown[] }[]} */
    const catalog = await (await fetch(`${url}/api/v1/catalog`)).json();
    return catalog.reduce((sum, { dimensions }) => sum + dimensions.length, 0);
  };
  return { name: "Telltale, its page open", pid, series, watch: async (done) => untilLive(await open(done, url)) };
}

/** @param {import("./shared/bench.mjs").Later} later @returns {Promise<Program>} */
async function nodeExporter(later) {
  const { url, pid } = await startNodeExporter(later);
  const scrape = async () => (await fetch(url)).text();
  const series = async () => (await scrape()).match(/^[^#\n]/gm)?.length ?? 0;
  const watch = async (/** @type {import("./shared/bench.mjs").Later} */ done) => {
    const timer = setInterval(() => void scrape(), 1000);
    done(() => clearInterval(timer));
  };
  return { name: "node_exporter, scraped each second", pid, series, watch };
}

/** @param {import("./shared/bench.mjs").Later} later @param {Open} open @returns {Promise<Program>} */
async function netdata(later, open) {
  const { url, pid } = await startNetdata(later);
  const series = async () => {
    /** @type {{ charts: Record<string, { dimensions: object }> }} */
    const { charts } = await (await fetch(`${url}api/v1/charts`)).json();
    return Object.values(charts).reduce((sum, { dimensions }) => sum + Object.keys(dimensions).length, 0);
  };
  return { name: "Netdata, its page open", pid, series, watch: async (done) => void (await open(done, url)) };
}
