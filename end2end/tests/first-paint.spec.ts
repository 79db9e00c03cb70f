// Before, without and while JavaScript comes: the page is whole and nothing jumps.

import { expect, test } from "../fixtures/test.ts";
import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { STREAM } from "../pages/shell.ts";

/** It does so every ten seconds. */
const REFRESHED = { timeout: 30_000, intervals: [250] };
const WITHOUT_JAVASCRIPT = { tag: ["@nojs", "@nojs-only"] };

test("is whole without JavaScript", WITHOUT_JAVASCRIPT, async ({ overview }) => {
  await overview.open();
  await expect(overview.heading).toContainText("harbour");
  await expect(overview.charts.first()).toBeVisible();
  expect((await overview.lines()).filter((line) => line.length > 20).length).toBeGreaterThanOrEqual(12);
  await expect(overview.headlines).toHaveCount(5);
  await expect(overview.pause, "what needs JavaScript is not offered without it").toBeHidden();
});

test.describe("as it is served", () => {
  test.use({ refreshes: true });
  test("refreshes itself without JavaScript", { tag: [...WITHOUT_JAVASCRIPT.tag, "@once"] }, async ({ page, overview }) => {
    await overview.open();
    await expect(page.locator("meta[http-equiv=refresh]")).toHaveCount(1);
    const before = await overview.lines("cpu");
    await expect.poll(() => overview.lines("cpu").catch(() => before), REFRESHED).not.toEqual(before);
  });
});

test("windows are links without JavaScript", WITHOUT_JAVASCRIPT, async ({ page, overview }) => {
  await overview.open();
  await overview.window("1 min").click();
  await expect(page).toHaveURL(/window=1m/);
  await expect(overview.window("1 min")).toHaveAttribute("aria-current", /true|page/);
});

test("is whole while the wasm does not come", async ({ page, overview, problems }) => {
  problems.allow(CONNECTION_ERRORS);
  problems.allow(/wasm|WebAssembly|Failed to fetch/i);
  await page.route("**/*.wasm", (route) => route.abort());
  await overview.open();
  expect((await overview.lines()).filter((line) => line.length > 20).length).toBeGreaterThanOrEqual(12);
  await expect(overview.headlines).toHaveCount(5);
  await expect(overview.heading).toContainText("harbour");
});

test("nothing moves when it wakes", async ({ page, overview }) => {
  // The stream stays unanswered, so that whatever changes was changed by waking; the wasm waits for the first look.
  await page.route(STREAM, () => {});
  let look = () => {};
  const looked = new Promise<void>((resolve) => (look = resolve));
  await page.route("**/*.wasm", async (route) => {
    await looked;
    await route.continue();
  });
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: "layout-shift", buffered: true });
  });
  const asked = page.waitForRequest(STREAM);
  await page.goto("/", { waitUntil: "commit" });
  const painted = () => document.readyState !== "loading" && performance.getEntriesByType("paint").length > 0;
  await page.waitForFunction(painted);
  const before = { text: await overview.text(), lines: await overview.lines() };
  look();
  await asked;
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  expect(await overview.lines()).toEqual(before.lines);
  expect(await overview.text()).toEqual(before.text);
  expect(await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts)).toEqual([]);
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test.describe("in another time zone than the server's", { tag: "@once" }, () => {
  test.use({ timezoneId: "Pacific/Chatham" });
  test("times become the viewer's, and the next HTML has them", async ({ page, overview }) => {
    await overview.openLive();
    await expect(page.getByText("Pacific/Chatham")).toBeVisible();
    expect(await (await page.request.get("/")).text()).toContain("Pacific/Chatham");
  });
});
