// A pause holds what is shown: all of it is of one instant, however long it lasts.

import { expect, test } from "../fixtures/test.ts";
import type { Overview } from "../pages/overview.ts";
import { ticksPass } from "../pages/shell.ts";

/** What a person reads of one chart. */
async function read(overview: Overview): Promise<unknown> {
  return { lines: await overview.lines("load"), values: await overview.legend("load").allInnerTexts() };
}

const clock = (t: number) => new Date(t).toISOString().slice(11, 19);

test("the note and a table opened later tell of the instant that is held", async ({ page, overview, telltale }) => {
  await overview.openLive("/?window=1m");
  const opened = Number((await overview.lastEventId())?.split("-").at(-1));
  await ticksPass(page, telltale.url, 6);
  await overview.pause.click();
  await overview.expectLink("paused");
  const note = await overview.banner.locator(".note").innerText();
  const held = /^at (\d\d:\d\d:\d\d)$/.exec(note)?.[1];
  expect(held, note).toBeDefined();
  expect(held).not.toBe(clock(opened));
  const seconds = Number(held?.slice(6));
  await ticksPass(page, telltale.url, 2);
  expect(await overview.banner.locator(".note").innerText()).toBe(note);
  await overview.chart("load").getByText("Table").click();
  // A row every five seconds.
  const last = `${held?.slice(0, 6)}${String(seconds - (seconds % 5)).padStart(2, "0")}`;
  await expect(overview.chart("load").getByRole("rowheader").last()).toHaveText(last);
});

test("what comes meanwhile changes nothing, and is there afterwards", { tag: "@mouse" }, async ({ page, overview, telltale }) => {
  await overview.openLive();
  await overview.pause.click();
  await overview.expectLink("paused");
  await page.mouse.move(2, 2);
  const held = await read(overview);
  await ticksPass(page, telltale.url, 2);
  await overview.pointAt("load", 0.5);
  await page.mouse.move(2, 2);
  await expect.poll(() => overview.crosshairs()).toEqual([]);
  expect(await read(overview)).toEqual(held);
  await overview.resume.click();
  await overview.expectLink("live");
  await overview.expectMoved("load", (held as { lines: string[] }).lines);
});
