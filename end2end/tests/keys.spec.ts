// The whole page by keys, and a sheet that lists them.

import { expect, test } from "../fixtures/test.ts";
import type { Overview } from "../pages/overview.ts";
import { RECOVERY, type Shell } from "../pages/shell.ts";

test("? opens a sheet that lists the keys, and closes it", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  await expect(overview.sheet).toBeHidden();
  await page.keyboard.press("?");
  await expect(overview.sheet).toBeVisible();
  for (const key of ["?", "o", "t", "1", "9", "0", "h", "l", "i", "u", "v", "p", "j", "k", "/", "Esc"]) {
    await expect(overview.sheet.locator("kbd").getByText(key, { exact: true })).toBeVisible();
  }
  await page.keyboard.press("?");
  await expect(overview.sheet).toBeHidden();
  await page.keyboard.press("?");
  await expect(overview.sheet).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(overview.sheet).toBeHidden();
});

test("Escape closes the sheet from a chart, too", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  await page.keyboard.press("j");
  await page.keyboard.press("?");
  await expect(overview.sheet).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(overview.sheet).toBeHidden();
});

for (const address of ["/", "/processes"]) {
  test(`the sheet of ${address} opens and closes by its buttons`, { tag: "@nojs" }, async ({ page, overview }) => {
    await overview.open(address);
    await overview.help.click();
    await expect(overview.sheet).toBeVisible();
    const box = await overview.sheet.boundingBox();
    const screen = page.viewportSize();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(screen?.width ?? 0);
    await overview.sheet.getByRole("button", { name: "Close" }).click();
    await expect(overview.sheet).toBeHidden();
    await overview.help.click();
    await expect(overview.sheet).toBeVisible();
    await overview.help.click();
    await expect(overview.sheet).toBeHidden();
  });
}

test("Tab goes from the button into the sheet", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  await overview.help.focus();
  await page.keyboard.press("Enter");
  await expect(overview.sheet).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(overview.sheet.getByRole("checkbox")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(overview.sheet.getByRole("button", { name: "Close" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(overview.sheet).toBeHidden();
  await expect(overview.help).toBeFocused();
});

test("keys of one letter can be turned off, and stay off", { tag: "@mouse" }, async ({ page, overview }) => {
  const wanted = overview.sheet.getByRole("checkbox", { name: "Single letters and signs are keys" });
  await overview.openLive();
  await page.keyboard.press("?");
  await wanted.uncheck();
  await overview.sheet.getByRole("button", { name: "Close" }).click();
  await page.reload();
  await overview.expectLink("live", RECOVERY);
  await page.keyboard.press("p");
  await page.keyboard.press("?");
  await expect(overview.sheet).toBeHidden();
  await overview.expectLink("live");
  await overview.help.click();
  await wanted.check();
  await page.keyboard.press("?");
  await expect(overview.sheet).toBeHidden();
  await page.keyboard.press("p");
  await overview.expectLink("paused");
});

test("t leads to the processes, o to the overview", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  await page.keyboard.press("t");
  await expect(page).toHaveURL(/\/processes$/);
  await overview.expectLink("live", RECOVERY);
  await page.keyboard.press("o");
  await expect(page).toHaveURL(/\/$/);
  await overview.expectLink("live", RECOVERY);
});

test("1, 2 and 3 choose the time window, p pauses and resumes", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  for (const [key, window] of [["1", "1 min"], ["3", "10 min"], ["2", "5 min"]] as const) {
    await page.keyboard.press(key);
    await expect(overview.window(window)).toHaveAttribute("aria-current", /true|page/);
  }
  await expect(page).toHaveURL(/[?&]window=5m/);
  await page.keyboard.press("p");
  await overview.expectLink("paused");
  await page.keyboard.press("p");
  await overview.expectLink("live");
});

test("j and k go from chart to chart", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  const plots = page.getByRole("slider");
  await page.keyboard.press("j");
  await expect(plots.nth(0)).toBeFocused();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expect(plots.nth(2)).toBeFocused();
  await expect(plots.nth(2)).toBeInViewport();
  await page.keyboard.press("k");
  await expect(plots.nth(1)).toBeFocused();
  await page.keyboard.press("k");
  await page.keyboard.press("k");
  await expect(plots.nth(0), "before the first there is none").toBeFocused();
  for (let count = await plots.count(); count > 0; count -= 1) await page.keyboard.press("j");
  await expect(plots.last(), "nor after the last").toBeFocused();
  await page.keyboard.press("Shift+ArrowLeft");
  await expect.poll(() => overview.crosshairs()).not.toEqual([]);
});

test("a focused chart is not hidden behind the header", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  for (let step = 0; step < 12; step += 1) await page.keyboard.press("j");
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press("k");
    const hidden = await page.evaluate(() => {
      const header = document.querySelector("header.masthead")?.getBoundingClientRect().bottom ?? 0;
      return header - (document.activeElement?.getBoundingClientRect().top ?? 0);
    });
    expect(hidden, "how far, in pixels").toBeLessThanOrEqual(0);
  }
});

test("/ goes to the search, and what is typed there is text", { tag: "@mouse" }, async ({ page, processes }) => {
  await processes.openLive();
  await page.keyboard.press("/");
  await expect(processes.search).toBeFocused();
  await page.keyboard.type("ptojk123?/");
  await expect(processes.search).toHaveValue("ptojk123?/");
  await processes.expectLink("live");
  await expect(processes.sheet).toBeHidden();
  await expect(page).toHaveURL(/\/processes\?/);
});

test("/ means nothing where nothing is searched", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  const before = await pressed(overview);
  await page.keyboard.press("/");
  expect(await pressed(overview)).toEqual(before);
});

for (const modifier of ["Control", "Meta", "Alt"]) {
  test(`with ${modifier} keys belong to the browser`, { tag: "@mouse" }, async ({ page, overview }) => {
    await overview.openLive();
    // The browser's own answer, printing say, is no business of this test; that the page takes nothing is.
    const taken = () => page.evaluate(() => (window as unknown as { taken: string[] }).taken);
    await page.evaluate(() => {
      const taken: string[] = [];
      Object.assign(window, { taken });
      window.addEventListener("keydown", (event) => {
        if (event.defaultPrevented) taken.push(event.key);
        event.preventDefault();
      });
    });
    const before = await pressed(overview);
    for (const key of ["p", "1", "o", "t", "j", "k", "?", "/"]) await page.keyboard.press(`${modifier}+${key}`);
    expect(await pressed(overview)).toEqual(before);
    expect(await taken()).toEqual([]);
    await page.keyboard.press("p");
    await overview.expectLink("paused");
    expect(await taken(), "without it they are the page's").toEqual(["p"]);
  });
}

/** All that a key could have changed; that samples are late for a moment, none could. */
async function pressed(shell: Shell | Overview) {
  return {
    address: shell.page.url(),
    isPaused: (await shell.page.locator("[data-stream]").getAttribute("data-stream")) === "paused",
    isSheetOpen: await shell.sheet.isVisible(),
    focus: await shell.page.evaluate(() => document.activeElement?.outerHTML.slice(0, 80)),
  };
}
