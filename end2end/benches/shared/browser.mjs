// Chromium as the tests launch it, for measuring.

import { chromium } from "@playwright/test";
import { launchOptions } from "../../fixtures/chromium.mjs";

export const DESKTOP = { width: 1440, height: 900 };

/**
 * A browser that finds nobody but this machine: rivals' pages would ask theirs.
 * @param {import("./bench.mjs").Later} later
 * @param {string[]} [flags]
 */
export async function openBrowser(later, flags = []) {
  const alone = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";
  const browser = await chromium.launch({ ...launchOptions, args: [...launchOptions.args, alone, ...flags] });
  later(() => browser.close());
  return browser;
}

/** Waits until Telltale's page moves. */
export async function untilLive(/** @type {import("@playwright/test").Page} */ page) {
  await page.waitForSelector("[data-stream=live]", { timeout: 30_000 });
}
