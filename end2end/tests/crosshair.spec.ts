// One instant under all charts, by mouse, touch and keys.

import { expect, test } from "../fixtures/test.ts";
import type { Overview } from "../pages/overview.ts";

/** All charts show a crosshair, and all at one instant. */
async function expectOneInstant(overview: Overview): Promise<string> {
  const charts = await overview.page.locator(".crosshair").count();
  await expect.poll(async () => (await overview.crosshairs()).length).toBe(charts);
  const instants = new Set(await overview.crosshairs());
  expect(instants.size).toBe(1);
  return [...instants][0] ?? "";
}

async function pausedAt(overview: Overview): Promise<void> {
  await overview.openLive();
  await overview.pause.click();
  await overview.expectLink("paused");
}

test("follows the mouse through all charts and shows values", { tag: "@mouse" }, async ({ page, overview }) => {
  await pausedAt(overview);
  expect(await overview.crosshairs()).toEqual([]);
  const newest = await overview.legend("cpu").allInnerTexts();
  const box = await overview.plot("cpu").boundingBox();
  if (box === null) throw new Error("the plot is not on the page");
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
  const first = await expectOneInstant(overview);
  await expect.poll(() => overview.legend("cpu").allInnerTexts()).not.toEqual(newest);
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
  expect(Number(await expectOneInstant(overview))).toBeGreaterThan(Number(first));
  await expect(overview.chart("cpu").locator(".instant")).toHaveText(/^\d\d:\d\d:\d\d$/);
  await page.mouse.move(2, 2);
  await expect.poll(() => overview.crosshairs()).toEqual([]);
  await expect.poll(() => overview.legend("cpu").allInnerTexts()).toEqual(newest);
});

test("stays where a finger tapped, until one taps beside", { tag: "@touch" }, async ({ page, overview }) => {
  await pausedAt(overview);
  await overview.plot("cpu").scrollIntoViewIfNeeded();
  await overview.plot("cpu").tap({ position: { x: 120, y: 40 } });
  await expectOneInstant(overview);
  await page.getByRole("heading", { level: 2, name: "CPU" }).tap();
  await expect.poll(() => overview.crosshairs()).toEqual([]);
});

test("steps with the arrow keys, and says values", async ({ page, overview }) => {
  await pausedAt(overview);
  await overview.plot("memory").focus();
  await page.keyboard.press("Home");
  const oldest = await expectOneInstant(overview);
  const heard = await overview.plot("memory").getAttribute("aria-valuetext");
  expect(heard).toMatch(/\d\d:\d\d:\d\d.*\d/);
  await page.keyboard.press("Shift+ArrowRight");
  expect(Number(await expectOneInstant(overview))).toBeGreaterThan(Number(oldest));
  await page.keyboard.press("ArrowLeft");
  await expect(overview.plot("memory")).not.toHaveAttribute("aria-valuetext", heard ?? "");
  await page.keyboard.press("Escape");
  await expect.poll(() => overview.crosshairs()).toEqual([]);
});
