// The page moves, second by second, from exactly where the HTML ended.

import { hold, overhear } from "../fixtures/heard.ts";
import { expect, test } from "../fixtures/test.ts";
import { toldGaps } from "../pages/overview.ts";
import { newestTick, ticksPass, toldAfter } from "../pages/shell.ts";

test("charts and numbers move", async ({ overview }) => {
  await overview.openLive();
  const before = await overview.lines("cpu");
  await overview.expectMoved("cpu", before);
  const again = await overview.lines("cpu");
  await overview.expectMoved("cpu", again);
});

test("a chart grows beside what stands there, and ends at its right edge", { tag: "@once" }, async ({ page, overview, telltale }) => {
  await overview.openLive();
  const seen = () =>
    overview.chart("memory").evaluate((chart) => {
      const box = (element: Element | null) => element?.getBoundingClientRect() ?? new DOMRect();
      const lines = [...chart.querySelectorAll("path.line")];
      const parts = lines.filter((line) => line.getAttribute("d"));
      return {
        shift: chart.querySelector("[data-part=moving]")?.getAttribute("transform") ?? "",
        whole: lines.filter((line) => line.hasAttribute("data-index")).map((line) => line.getAttribute("d")),
        since: parts.filter((line) => !line.hasAttribute("data-index")).length,
        beyond: Math.max(...parts.map((line) => box(line).right)) - box(chart.querySelector(".series")).right,
      };
    });
  await overview.chart("memory").scrollIntoViewIfNeeded();
  const all = [];
  const began = await newestTick(page, telltale.url);
  for (let tick = 0; tick < 13; tick += 1) {
    await ticksPass(page, telltale.url, 1);
    all.push(await seen());
  }
  const passed = ((await newestTick(page, telltale.url)) - began) / 1_000;
  const gaps = (await toldGaps(page, telltale.url, String(began))).length;
  for (const { beyond } of all) expect(Math.abs(beyond)).toBeLessThan(2);
  // Most ticks only move it; once in ten all of it is drawn anew, and after a gap.
  const grown = all.filter(({ shift, since }) => shift.startsWith("translate(-") && since > 0);
  expect(grown.length).toBeGreaterThanOrEqual(8 - gaps);
  const drawn = new Set(all.map(({ whole }) => JSON.stringify(whole))).size;
  expect(drawn).toBeGreaterThanOrEqual(2);
  expect(drawn).toBeLessThanOrEqual(3 + Math.ceil(passed / 10) + gaps);
});

test("charts further down move for whoever scrolls to them", async ({ overview }) => {
  await overview.openLive();
  for (const family of ["net.wg0.traffic", "memory"]) {
    await overview.chart(family).scrollIntoViewIfNeeded();
    await overview.expectMoved(family, await overview.lines(family));
  }
});

test("goes on from the very sample the HTML ended with, each once", { tag: "@once" }, async ({ page, overview, telltale }) => {
  const heard = await overhear(page);
  await overview.open();
  const last = await overview.lastEventId();
  expect(last).toMatch(/^\d+-\d+$/);
  await expect.poll(async () => (await heard()).samples.length).toBeGreaterThanOrEqual(4);
  const { urls, samples } = await heard();
  expect(urls).toHaveLength(1);
  const first = new URL(urls[0] ?? "", page.url()).searchParams.get("last_event_id") ?? "";
  expect(first).toMatch(/^\d+-\d+$/);
  const tick = (id: string | null) => Number(id?.split("-")[1]);
  expect(tick(first)).toBeGreaterThanOrEqual(tick(last));
  expect(samples).toEqual((await toldAfter(page, telltale.url, first)).slice(0, samples.length));
});

test("pause holds the page still, resume catches up", async ({ page, overview, telltale }) => {
  await overview.openLive();
  await overview.pause.click();
  await overview.expectLink("paused");
  const held = await overview.lines("cpu");
  await ticksPass(page, telltale.url, 3);
  expect(await overview.lines("cpu")).toEqual(held);
  await overview.resume.click();
  await overview.expectLink("live");
  await overview.expectMoved("cpu", held);
});

test("a window is kept in the address, and by a reload", async ({ page, overview }) => {
  await overhear(page);
  await overview.openLive();
  // No tick helps to draw it.
  await hold(page);
  const before = await overview.lines("cpu");
  await overview.window("1 min").click();
  await expect(page).toHaveURL(/[?&]window=1m/);
  await expect(overview.window("1 min")).toHaveAttribute("aria-current", /true|page/);
  await expect(overview.window("5 min")).not.toHaveAttribute("aria-current", /true|page/);
  await overview.expectMoved("cpu", before);
  await page.reload();
  await expect(overview.window("1 min")).toHaveAttribute("aria-current", /true|page/);
  await expect(page).toHaveURL(/[?&]window=1m/);
});

test("the next page shows as much time as this one", { tag: "@once" }, async ({ page, overview }) => {
  await overview.openLive();
  await overview.window("10 min").click();
  await expect(page).toHaveURL(/[?&]window=10m/);
  await overview.link("Processes").click();
  await overview.link("Overview").click();
  await expect(page).not.toHaveURL(/window/);
  await expect(overview.window("10 min")).toHaveAttribute("aria-current", "true");
});

test("a device that is not there is said to be missing", { tag: "@nojs" }, async ({ page, overview }) => {
  await overview.open("/?device=disk.gone");
  await expect(page.getByRole("note").filter({ hasText: "There is no disk.gone on this machine now." })).toBeVisible();
  await expect(overview.chart("cpu")).toBeVisible();
});

test("each window draws as far back as it says", { tag: "@once" }, async ({ request }) => {
  const spans = await Promise.all(
    ["1m", "5m", "10m"].map(async (window) => {
      const html = await (await request.get(`/?window=${window}`)).text();
      return html.match(/<tbody[\s\S]*?<\/tbody>/)?.[0] ?? "";
    }),
  );
  expect(new Set(spans).size).toBe(3);
});

test("a hidden page does not draw, then catches up", { tag: "@once" }, async ({ page, overview, telltale }) => {
  await page.addInitScript(() => {
    let hidden = false;
    Object.defineProperty(document, "hidden", { get: () => hidden });
    Object.defineProperty(document, "visibilityState", { get: () => (hidden ? "hidden" : "visible") });
    Object.assign(window, {
      setHidden: (now: boolean) => {
        hidden = now;
        document.dispatchEvent(new Event("visibilitychange"));
      },
    });
  });
  const setHidden = (now: boolean) =>
    page.evaluate((now) => (window as unknown as { setHidden: (now: boolean) => void }).setHidden(now), now);
  await overhear(page);
  await overview.openLive();
  await setHidden(true);
  const held = await overview.lines();
  await ticksPass(page, telltale.url, 3);
  expect(await overview.lines()).toEqual(held);
  // It waits for no tick.
  const release = await hold(page);
  await setHidden(false);
  await overview.expectMoved("cpu", held);
  await release();
  await overview.expectLink("live");
  // Nothing is missing of what passed meanwhile.
  await overview.expectOnlyToldGaps(telltale.url);
});
