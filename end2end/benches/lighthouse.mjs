// Lighthouse's scores, as a desktop and as a phone, and every audit that is not perfect.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { launchOptions } from "../fixtures/chromium.mjs";
import { ordinary } from "../recordings/ordinary.mjs";
import { bench } from "./shared/bench.mjs";
import { median, table } from "./shared/figures.mjs";
import { npmPackage } from "./shared/rivals.mjs";
import { startReplay, temporaryFolder } from "./shared/telltale.mjs";

/** The last that runs on Node.js 20. */
const VERSION = "12.8.2";
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];

/**
 * @typedef {{ score: number | null, title: string, displayValue?: string, details?: { items?: unknown[] } }} Audit
 * @typedef {{ categories: Record<string, { score: number, auditRefs: { id: string }[] }>, audits: Record<string, Audit> }} Report
 */

await bench({ runs: [3, "loads on each device; the median counts"] }, async ({ runs }, later) => {
  const command = join(npmPackage("lighthouse", VERSION), "cli/index.js");
  const { url } = await startReplay(later, ordinary(), "lead=8m");
  const folder = temporaryFolder(later);
  const rows = [];
  /** @type {Map<string, string>} */
  const imperfect = new Map();
  let missed = false;
  for (const device of ["desktop", "mobile"]) {
    /** @type {Report[]} */
    const reports = [];
    for (let run = 0; run < runs; run += 1) reports.push(await look(command, url, device, folder));
    const scores = CATEGORIES.map((name) => Math.round(100 * median(reports.map(({ categories }) => categories[name]?.score ?? 0))));
    rows.push([device, ...scores]);
    missed ||= scores.some((score) => score < 100);
    for (const report of reports) {
      for (const [id, words] of belowPerfect(report)) imperfect.set(`${device}: ${id}`, words);
    }
  }
  table([`Lighthouse ${VERSION}`, ...CATEGORIES], rows);
  console.log(imperfect.size === 0 ? "\nNo audit is below 1." : "\nAudits below 1 in any load:");
  for (const [id, words] of imperfect) console.log(`  ${id}: ${words}`);
  console.log(missed ? "MISSED   the limit is 100 in all four, on both" : "REACHED  100 in all four, on both");
});

/**
 * @param {string} command
 * @param {string} url
 * @param {string} device
 * @param {string} folder
 * @returns {Promise<Report>}
 */
async function look(command, url, device, folder) {
  const file = join(folder, "report.json");
  const flags = `--headless=new ${launchOptions.args.join(" ")}`;
  const args = [command, url, "--quiet", "--output=json", `--output-path=${file}`, `--chrome-flags=${flags}`];
  args.push(`--only-categories=${CATEGORIES.join(",")}`, "--no-enable-error-reporting");
  if (device === "desktop") args.push("--preset=desktop");
  const chrome = launchOptions.executablePath ?? chromium.executablePath();
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, CHROME_PATH: chrome },
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`lighthouse ended with exit code ${code}`);
  return JSON.parse(readFileSync(file, "utf8"));
}

/** @returns {[id: string, words: string][]} */
function belowPerfect(/** @type {Report} */ { categories, audits }) {
  const ids = new Set(CATEGORIES.flatMap((name) => categories[name]?.auditRefs.map(({ id }) => id) ?? []));
  return [...ids].flatMap((id) => {
    const audit = audits[id];
    if (audit === undefined || audit.score === null || audit.score >= 1) return [];
    const first = audit.details?.items?.[0];
    const detail = first === undefined ? "" : `; first: ${JSON.stringify(first).slice(0, 300)}`;
    return [[id, `${audit.score} ${audit.title}${audit.displayValue === undefined ? "" : `, ${audit.displayValue}`}${detail}`]];
  });
}
