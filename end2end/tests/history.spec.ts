// The past: any stretch of time, drawn by the server, reached by links, mouse, keys and the browser's own steps.

import type { Page } from "@playwright/test";
import { overhear } from "../fixtures/heard.ts";
import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { raw } from "../fixtures/raw.mjs";
import { expect, test as base } from "../fixtures/test.ts";
import { Telltale } from "../fixtures/telltale.ts";
import { type Gap, type Overview, Overview as AnyOverview, title } from "../pages/overview.ts";
import { RECOVERY } from "../pages/shell.ts";

/** A server with a day behind it. */
const test = base.extend<object, { telltale: Telltale }>({
  telltale: [
    async ({}, use) => {
      const telltale = await Telltale.start({ lead: "24h", stored: true });
      await telltale.caughtUp();
      await use(telltale);
      await telltale.dispose();
    },
    { scope: "worker", timeout: 180_000 },
  ],
});

/** The stretch that the address names. */
function stretch(page: Page): [number, number] {
  const fields = new URL(page.url()).searchParams;
  return [Number(fields.get("from")), Number(fields.get("to"))];
}

async function expectPast(overview: Overview): Promise<void> {
  await expect(overview.range).toHaveText(/^\d+ \w{3}( \d{4})? \d\d:\d\d.* to .*\d\d:\d\d/);
  await expect(overview.toLive).toBeVisible();
}

test("a window of a day is drawn by the server, with what was least and most", { tag: "@nojs" }, async ({ overview }) => {
  await overview.open("/?window=24h");
  await expect(overview.range).toHaveText("Last day");
  await expect(overview.window("24 h")).toHaveAttribute("aria-current", "true");
  await expect(overview.chart("cpu").locator(".band")).toHaveCount(1);
  expect((await overview.lines("load"))[0]).toMatch(/^M\d/);
  expect(await overview.chart("cpu").locator(".band").getAttribute("d")).toMatch(/^M\d+ \d+l.*z$/);
  await overview.expectWithinEdges();
});

test("earlier, later, nearer and farther are links", { tag: "@nojs" }, async ({ page, overview }) => {
  await overview.open("/?from=-3h&to=-2h");
  await expectPast(overview);
  await overview.move("Zoom in").click();
  await expect(page).toHaveURL(/from=\d+&to=\d+/);
  const [from, to] = stretch(page);
  expect(to - from).toBe(1_800_000);
  await overview.move("Earlier").click();
  await expect.poll(() => stretch(page)).toEqual([from - 900_000, to - 900_000]);
  await overview.move("Later").click();
  await expect.poll(() => stretch(page)).toEqual([from, to]);
  await overview.move("Zoom out").click();
  await expect.poll(() => stretch(page)).toEqual([from - 900_000, to + 900_000]);
  await overview.toLive.click();
  await expect(page).toHaveURL(/window=1h/);
  await expect(overview.range).toHaveText("Last hour");
});

test("panning to the left pauses, catching up is live again", async ({ page, overview }) => {
  await overview.openLive();
  await overview.move("Earlier").click();
  await overview.expectLink("paused");
  await expectPast(overview);
  await overview.move("Later").click();
  await overview.expectLink("live");
  await expect(page).toHaveURL(/window=5m/);
  const live = await overview.lines("cpu");
  await overview.expectMoved("cpu", live);
});

test("a stretch drawn with the mouse zooms all charts, two clicks return", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive("/?window=24h");
  const before = [await overview.lines("cpu"), await overview.lines("memory")];
  const scrolled = await page.evaluate(() => window.scrollY);
  await overview.stretch("cpu", 0.25, 0.5);
  await expectPast(overview);
  const [from, to] = stretch(page);
  expect(Math.abs(to - from - 6 * 3_600_000)).toBeLessThan(300_000);
  for (const [index, family] of ["cpu", "memory"].entries()) expect(await overview.lines(family)).not.toEqual(before[index]);
  expect(await page.evaluate(() => window.scrollY)).toBe(scrolled);
  await overview.plot("cpu").dblclick();
  await overview.expectLink("live");
  await expect(overview.range).toHaveText("Last 6 hours");
});

test("the browser's steps go back and forward", async ({ page, overview }) => {
  await overview.openLive();
  await overview.window("1 h").click();
  await expect(overview.range).toHaveText("Last hour");
  await overview.move("Earlier").click();
  await expectPast(overview);
  const past = await overview.range.innerText();
  await page.goBack();
  await expect(overview.range).toHaveText("Last hour");
  await page.goBack();
  await expect(overview.range).toHaveText("Last 5 minutes");
  await overview.expectLink("live");
  await page.goForward();
  await page.goForward();
  await expect(overview.range).toHaveText(past);
});

test("a link shows the same stretch and the same instant", { tag: "@mouse" }, async ({ page, overview, context }) => {
  await overview.open("/?from=-5h&to=-4h");
  await overview.expectLink("paused");
  await expectPast(overview);
  await overview.pointAt("cpu", 0.2);
  await overview.stretch("cpu", 0.2, 0.6);
  await expect(page).toHaveURL(/to=\d+/);
  await overview.pointAt("cpu", 0.4);
  await expect(page).toHaveURL(/[?&]at=\d+/);
  const other = new AnyOverview(await context.newPage());
  await other.open(page.url());
  await expect(other.range).toHaveText(await overview.range.innerText());
  expect(await other.lines("cpu")).toEqual(await overview.lines("cpu"));
  await expect.poll(() => other.crosshairs()).toEqual(await overview.crosshairs());
  expect(await other.legend("cpu").allInnerTexts()).toEqual(await overview.legend("cpu").allInnerTexts());
  const html = await (await page.request.get(page.url())).text();
  expect(html, "also in the first HTML").toMatch(/data-part="crosshair"[^>]* y2="100%"/);
});

test("the crosshair reads what the server drew", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive("/?window=6h");
  const box = await overview.plot("load").boundingBox();
  if (box === null) throw new Error("the plot is not on the page");
  await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
  const newest = await overview.legend("load").allInnerTexts();
  await page.mouse.move(box.x + box.width * 0.32, box.y + 60);
  await expect(overview.chart("load").locator(".instant")).toHaveText(/^\d\d:\d\d$/);
  const at = Number(await overview.plot("load").getAttribute("aria-valuenow"));
  expect(at).toBeGreaterThan(2_800);
  expect(at).toBeLessThan(3_400);
  await expect.poll(async () => (await overview.legend("load").allInnerTexts()).join()).not.toBe(newest.join());
});

test("all of it by keys", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  for (const [key, words] of [["4", "Last hour"], ["6", "Last day"], ["8", "Last 30 days"], ["u", "Last 90 days"], ["i", "Last 30 days"], ["5", "Last 6 hours"]] as const) {
    await page.keyboard.press(key);
    await expect(overview.range).toHaveText(words);
  }
  await page.keyboard.press("h");
  await expectPast(overview);
  const [from] = stretch(page);
  await page.keyboard.press("h");
  await expect.poll(() => stretch(page)[0]).toBeLessThan(from);
  await page.keyboard.press("i");
  await expect.poll(() => stretch(page)[1] - stretch(page)[0]).toBe(3 * 3_600_000);
  await page.keyboard.press("v");
  await expect(overview.range).toHaveText(/^Last 6 hours/);
  await overview.move("Earlier").focus();
  await page.keyboard.press("Enter");
  await expectPast(overview);
  await expect(overview.move("Earlier"), "the focus stays where it was").toBeFocused();
});

test("a chart's data is a file", { tag: "@once" }, async ({ page, overview }) => {
  await overview.open("/?from=-3h&to=-150m");
  await overview.expectLink("paused");
  const [menu, download] = [overview.chart("cpu").getByLabel("Menu"), page.waitForEvent("download")];
  await menu.click();
  await overview.chart("cpu").getByRole("link", { name: "Data as CSV" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("cpu.csv");
  const lines = (await (await file.createReadStream()).toArray()).join("").trim().split("\r\n");
  expect(lines[0]).toBe("t,time,user,nice,system,iowait,irq,softirq,steal");
  expect(lines.length).toBeGreaterThan(1_700);
});

test("a restart leaves a gap of just the seconds it was down, and says why", { tag: "@once" }, async ({ page, overview, launch, problems, context }) => {
  test.setTimeout(150_000);
  problems.allow(CONNECTION_ERRORS);
  const server = await launch({ stored: true });
  const heard = await overhear(page);
  await overview.openLive(server.url);
  await expect.poll(async () => (await heard()).samples.length).toBeGreaterThan(0);
  await server.stop();
  const newest = Number((await heard()).samples.at(-1)?.split("-")[1]);
  const stopped = Date.now();
  await expect.poll(() => Date.now() - stopped, {
    message: "ticks go by that nobody takes",
    timeout: 30_000,
    intervals: [250],
  }).toBeGreaterThan(4_000);
  await server.restart({ stored: true, lead: null });
  await overview.expectLink("live", RECOVERY);
  // A busy machine may miss others, which are not those of the restart.
  const down = (which: Overview) => which.chart("cpu").locator(".notes rect").filter({ hasText: /: Telltale was not running$/ });
  await expect(down(overview)).toHaveCount(1);

  const answer = await page.request.get(`${server.url}/api/v1/history?family=cpu&from=-2m&points=1000`);
  const { t, gaps } = (await answer.json()) as { t: number[]; gaps: Gap[] };
  const [gap, ...others] = gaps.filter(({ reason }) => reason === "not_running");
  if (gap === undefined) throw new Error("the history has no gap");
  expect(others).toEqual([]);
  expect(t).toContain(gap.from - 1_000);
  expect(t).toContain(gap.to + 1_000);
  expect(t.filter((t) => t >= gap.from && t <= gap.to)).toEqual([]);
  // What a slow disk did not store any more, this page was told all the same: there the gap begins later.
  const from = Math.max(gap.from, newest + 1_000);
  await expect(down(overview).locator("title")).toHaveText(title({ ...gap, from }));

  // A page that is opened only now has the same picture at the same instant.
  await overview.pause.click();
  await overview.expectLink("paused");
  const other = new AnyOverview(await context.newPage());
  await other.openLive(server.url);
  await other.pause.click();
  await expect(down(other).locator("title")).toHaveText(title(gap));
  const widths = await Promise.all([overview, other].map((which) => down(which).getAttribute("width")));
  if (from === gap.from) expect(widths[0]).toBe(widths[1]);
});

test("the crosshair names who was heaviest then", { tag: "@mouse" }, async ({ page, overview }) => {
  const asked: string[] = [];
  await page.route(/\/api\/v1\/processes\?at=/, (route) => {
    asked.push(new URL(route.request().url()).searchParams.get("at") ?? "");
    return route.fulfill({ json: { at: 0, span_ms: 1000, words: "cc1plus 97% CPU; <b>postgres</b> 1.0 GiB", processes: [] } });
  });
  await overview.open("/?from=-3h&to=-2h");
  await overview.expectLink("paused");
  await expect(overview.culprits).toBeHidden();
  await overview.pointAt("cpu", 0.3);
  await expect(overview.culprits).toHaveText("cc1plus 97% CPU; <b>postgres</b> 1.0 GiB");
  await expect.poll(() => asked.at(-1) === new URL(page.url()).searchParams.get("at")).toBe(true);
  // A page that slept may have been pointed at twice.
  expect(asked.length).toBeLessThanOrEqual(2);
  await page.mouse.move(2, 2);
  await expect(overview.culprits).toBeHidden();
  await expect(page).not.toHaveURL(/[?&]at=/);
});

test("a stretch without any sample says so", { tag: "@nojs" }, async ({ page, overview }) => {
  await overview.open("/?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z");
  await expect(overview.range).toHaveText("1 Jan 2020 00:00 to 2 Jan 2020 00:00");
  await expect(page.getByRole("note").filter({ hasText: "Nothing was recorded in this stretch of time" })).toBeVisible();
  await expect(page.locator("noscript")).toHaveCount(0);
});

test("the pages of the past are at most 25 KB in brotli", { tag: "@once" }, async ({ telltale }) => {
  for (const query of ["window=1h", "window=24h", "window=30d", "from=-3h&to=-170m"]) {
    const { headers, body } = await raw(`${telltale.url}/?${query}`, { "accept-encoding": "br" });
    expect(headers["content-encoding"]).toBe("br");
    expect(body.length, query).toBeLessThanOrEqual(25_000);
  }
});
