// Dark, light and the system's: chosen, remembered, and right in the next HTML, so that nothing flashes.

import { expect, test } from "../fixtures/test.ts";

const background =
  "[document.documentElement, document.body].map((part) => getComputedStyle(part).backgroundColor).join()";

for (const theme of ["Dark", "Light"] as const) {
  test(`${theme.toLowerCase()} is remembered by the server's HTML`, async ({ page, overview }) => {
    await overview.openLive();
    await overview.theme(theme).click();
    await expect(page.locator("html")).toHaveAttribute("data-theme", theme.toLowerCase());
    await expect(overview.theme(theme)).toHaveAttribute("aria-pressed", "true");
    const html = await (await page.request.get("/")).text();
    expect(html).toMatch(new RegExp(`<html[^>]*data-theme="${theme.toLowerCase()}"`));
    const chosen = await page.evaluate(background);
    await page.reload();
    await expect(page.locator("html")).toHaveAttribute("data-theme", theme.toLowerCase());
    expect(await page.evaluate(background)).toBe(chosen);
  });
}

test("the system's theme is followed as it changes", async ({ page, overview }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await overview.openLive();
  const light = await page.evaluate(background);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await page.evaluate(background)).not.toBe(light);
});

test("the system's theme needs no JavaScript", { tag: ["@nojs", "@nojs-only"] }, async ({ page, overview }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await overview.open();
  const light = await page.evaluate(background);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await page.evaluate(background)).not.toBe(light);
});
