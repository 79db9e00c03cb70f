// To another stretch of time and back: what goes along, what stays, and what is said when the server has no answer.

import type { Page } from "@playwright/test";
import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { expect, test } from "../fixtures/test.ts";
import { RECOVERY } from "../pages/shell.ts";

/** Answers who was heaviest, and tells what was asked. */
async function answerCulprits(page: Page): Promise<URLSearchParams[]> {
  const asked: URLSearchParams[] = [];
  await page.route(/\/api\/v1\/processes\?at=/, (route) => {
    asked.push(new URL(route.request().url()).searchParams);
    return route.fulfill({ json: { at: 0, span_ms: 60_000, words: "Heaviest: cc1plus 97% CPU", processes: [] } });
  });
  return asked;
}

test("a link to the past leads to a page that is as live as any other", async ({ overview }) => {
  await overview.open("/?from=-5m&to=-2m");
  await overview.expectLink("paused");
  const words = overview.chart("load").locator("[data-part=words]");
  await expect(words).toContainText("of the past: ");
  await overview.toLive.click();
  await overview.expectLink("live", RECOVERY);
  await expect(words).toHaveText(/, last \d+ min.*: .* now /);
  await expect(words).not.toContainText("at the end");
});

test("with a modifier keys are the browser's, on a chart as well", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  await overview.plot("cpu").focus();
  const taken = await page.evaluateHandle(() => {
    const taken: boolean[] = [];
    window.addEventListener("keydown", (event) => event.key.startsWith("Arrow") && taken.push(event.defaultPrevented));
    return taken;
  });
  for (const key of ["ArrowLeft", "Shift+ArrowLeft", "Alt+ArrowLeft", "Control+ArrowLeft", "Meta+ArrowLeft"]) await page.keyboard.press(key);
  expect(await taken.jsonValue()).toEqual([true, true, false, false, false]);
});

test("zooming in goes to where the crosshair is", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.open("/?from=-9m&to=-1m");
  await overview.expectLink("paused");
  await overview.pointAt("cpu", 0.25);
  await expect(page).toHaveURL(/[?&]at=\d+/);
  const at = Number(new URL(page.url()).searchParams.get("at"));
  await page.keyboard.press("i");
  await expect(page).not.toHaveURL(/-9m/);
  const fields = new URL(page.url()).searchParams;
  const [from, to] = [Number(fields.get("from")), Number(fields.get("to"))];
  expect(to - from).toBe(4 * 60_000);
  expect(Math.abs((from + to) / 2 - at)).toBeLessThan(2_000);
});

test("going back finds the crosshair where it was", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.open("/?from=-9m&to=-1m");
  await overview.expectLink("paused");
  // A mouse on its way to a link takes the crosshair along; keys leave it where it is.
  await overview.pointAt("cpu", 0.25);
  await page.mouse.move(2, 2);
  await expect.poll(() => overview.crosshairs()).toEqual([]);
  // The address may keep for a moment where the mouse was.
  await expect(page).not.toHaveURL(/[?&]at=/);
  await overview.plot("cpu").focus();
  await page.keyboard.press("Shift+ArrowLeft");
  await expect(page).toHaveURL(/[?&]at=\d+/);
  const [at, place] = [new URL(page.url()).searchParams.get("at"), await overview.crosshairs()];
  await page.keyboard.press("h");
  await expect(page).not.toHaveURL(/[?&]at=/);
  await page.goBack();
  await expect.poll(() => new URL(page.url()).searchParams.get("at")).toBe(at);
  await expect.poll(() => overview.crosshairs()).toEqual(place);
});

test.describe("in another time zone than the server's", { tag: "@once" }, () => {
  test.use({ timezoneId: "Asia/Tokyo" });
  test("the crosshair of a link keeps the names of who was heaviest, and their stretch", async ({ page, overview }) => {
    const asked = await answerCulprits(page);
    const to = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
    await overview.open(`/?from=${to - 240_000}&to=${to}&at=${to - 120_000}`);
    await expect(page.getByText("Asia/Tokyo")).toBeVisible();
    await expect(overview.culprits).toHaveText("Heaviest: cc1plus 97% CPU");
    expect(asked.at(-1)?.get("at")).toBe(String(to - 120_000));
    expect(asked.at(-1)?.get("over")).toMatch(/^[1-9]\d*ms$/);
    await expect.poll(async () => (await overview.crosshairs()).length).toBeGreaterThan(0);
  });
});

test("what is renewed by itself keeps the focus, the crosshair's names and whatever was chosen", { tag: "@once" }, async ({ page, overview, context }) => {
  await answerCulprits(page);
  await overview.openLive("/?window=1h");
  await overview.plot("cpu").focus();
  await page.keyboard.press("ArrowLeft");
  await expect(overview.culprits).toHaveText("Heaviest: cc1plus 97% CPU");
  await overview.chart("cpu").getByLabel("Menu").focus();
  await context.clearCookies({ name: "telltale_window" });
  const renewed = page.waitForResponse(/[?&]again$/, { timeout: 60_000 });
  await (await renewed).finished();
  await expect.poll(async () => (await overview.crosshairs()).length).toBeGreaterThan(0);
  await expect(overview.culprits).toHaveText("Heaviest: cc1plus 97% CPU");
  await expect(overview.chart("cpu").getByLabel("Menu")).toBeFocused();
  expect((await context.cookies()).map((cookie) => cookie.name)).not.toContain("telltale_window");
});

test("a step that the server has no answer to is said, and can be taken again", { tag: "@once" }, async ({ page, overview, problems }) => {
  problems.allow(CONNECTION_ERRORS);
  await overview.openLive();
  await page.route(/\?window=6h/, (route) => route.abort());
  const words = "this is as it was";
  // It stands there for a moment only, which a busy machine may miss when it looks from outside.
  const isSaid = await page.evaluateHandle((words) => {
    const isThere = () =>
      [...document.querySelectorAll("[role=status]")].some((place) => place.textContent?.includes(words) && place.checkVisibility());
    const said = new Promise<void>((resolve) => {
      const changed = () => isThere() && resolve();
      new MutationObserver(changed).observe(document, { subtree: true, childList: true, characterData: true });
    });
    // In an object, or it would be waited for here.
    return { said };
  }, words);
  await overview.window("6 h").click();
  await isSaid.evaluate(({ said }) => said);
  await expect(overview.range).toHaveText("Last 5 minutes");
  await page.unroute(/\?window=6h/);
  await overview.window("6 h").click();
  await expect(overview.range).toHaveText("Last 6 hours");
  await expect(page.getByRole("status").filter({ hasText: words })).toBeHidden();
});

test("the way to the charts is a step within the page", { tag: "@once" }, async ({ page, overview }) => {
  await overview.openLive();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await overview.skipLink.focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/#main$/);
  await overview.expectMoved("cpu", await overview.lines("cpu"));
  expect(asked.filter((url) => new URL(url).pathname === "/")).toEqual([]);
});
