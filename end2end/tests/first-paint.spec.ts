// Before, without and while JavaScript comes: the page is whole and nothing jumps.

import type { Page } from "@playwright/test";
import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { expect, test } from "../fixtures/test.ts";
import { Wire } from "../fixtures/wire.ts";
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
  const shifts = await watchShifts(page);
  const asked = page.waitForRequest(STREAM);
  await page.goto("/", { waitUntil: "commit" });
  const painted = () => document.readyState !== "loading" && performance.getEntriesByType("paint").length > 0;
  await page.waitForFunction(painted);
  const before = { text: await overview.text(), lines: await overview.lines() };
  look();
  await asked;
  await drawn(page);
  expect(await overview.lines()).toEqual(before.lines);
  expect(await overview.text()).toEqual(before.text);
  expect(await shifts()).toEqual([]);
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

for (const path of ["/", "/processes"]) {
  test(`nothing moves while ${path} comes in piece by piece`, async ({ page, telltale }) => {
    await page.route(STREAM, () => {});
    const wire = await Wire.to(telltale.url);
    wire.slow();
    const shifts = await watchShifts(page);
    const asked = page.waitForRequest(STREAM);
    await page.goto(new URL(path, wire.url).href);
    await asked;
    await drawn(page);
    // A number that ends at the right, and comes in two pieces, moves within its cell: no cell does.
    expect((await shifts()).filter((shift) => /<.+> from /.test(shift))).toEqual([]);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await wire.dispose();
  });
}

/** Waits until what has changed is on the screen. */
async function drawn(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** What has moved by itself since the page began to come in. */
async function watchShifts(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    type Shift = { value: number; sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[] };
    const place = ({ x, y, width, height }: DOMRect) => [x, y, width, height].map(Math.round).join(" ");
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries() as unknown as Shift[]) {
        const moved = sources.map(({ node, previousRect, currentRect }) => {
          const what = node instanceof Element ? (node.cloneNode() as Element).outerHTML : node?.textContent;
          return `${what} from ${place(previousRect)} to ${place(currentRect)}`;
        });
        shifts.push([value, ...moved].join("\n"));
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  return () => page.evaluate(() => (window as unknown as { shifts: string[] }).shifts);
}

test.describe("in another time zone than the server's", { tag: "@once" }, () => {
  test.use({ timezoneId: "Pacific/Chatham" });
  test("times become the viewer's, and the next HTML has them", async ({ page, overview }) => {
    await overview.openLive();
    await expect(page.getByText("Pacific/Chatham")).toBeVisible();
    expect(await (await page.request.get("/")).text()).toContain("Pacific/Chatham");
  });
});
