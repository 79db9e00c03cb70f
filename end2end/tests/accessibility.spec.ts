// With a keyboard, a screen reader and assistive tools: what holds for every page.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import type { Recording } from "../fixtures/telltale.ts";
import { expect, test } from "../fixtures/test.ts";

const PAGES: [Recording, string][] = [
  ["ordinary", "/"],
  ["ordinary", "/processes"],
  ["ordinary", "/?device=disk.sda"],
  ["ordinary", "/?all=cgroup"],
  ["huge", "/"],
];

async function expectAxeFindsNothing(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(({ id, help, nodes }) => [id, help, ...nodes.slice(0, 3).map((node) => node.html)]);
  expect(told).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const [recording, path] of PAGES) {
    test(`axe finds nothing on ${path} of the ${recording} host in ${colorScheme}`, async ({ page, launch, overview }) => {
      test.slow();
      const server = await launch({ recording });
      await page.emulateMedia({ colorScheme });
      await overview.openLive(new URL(path, server.url).href);
      await overview.pause.click();
      await overview.expectLink("paused");
      await expectAxeFindsNothing(page);
    });
  }

  test(`axe finds nothing on the sheet of keys in ${colorScheme}`, async ({ page, overview }) => {
    await page.emulateMedia({ colorScheme });
    await overview.open();
    await overview.help.click();
    await expect(overview.sheet).toBeVisible();
    await expectAxeFindsNothing(page);
  });
}

for (const [path, sections] of [
  ["/", ["CPU", "Memory", "Disks", "Network", "Services and containers"]],
  ["/processes", ["Processes"]],
  ["/?device=disk.sda", ["sda"]],
  ["/?all=cgroup", ["Services and containers"]],
] as const) {
  test(`landmarks and headings lead through ${path}`, { tag: "@nojs" }, async ({ page, overview }) => {
    await overview.open(path);
    await expect(page.getByRole("banner")).toHaveCount(1);
    await expect(page.getByRole("main")).toHaveCount(1);
    await expect(page.getByRole("contentinfo")).toHaveCount(1);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    const levels = await page.getByRole("heading").evaluateAll((all) => all.map((one) => Number(one.tagName.slice(1))));
    const jumps = levels.filter((level, index) => level - (levels[index - 1] ?? 0) > 1);
    expect(jumps, "no level is skipped").toEqual([]);
    for (const name of sections) {
      await expect(page.getByRole("heading", { level: 2, name, exact: true })).toBeVisible();
    }
  });
}

test("every chart has a title, a description in words and a table twin", { tag: "@nojs" }, async ({ overview }) => {
  await overview.open();
  const charts = overview.page.locator("figure.chart");
  expect(await charts.count()).toBeGreaterThanOrEqual(12);
  const complete = await charts.evaluateAll((figures) =>
    figures.map((figure) => {
      const described = figure.querySelector("[aria-describedby]");
      const words = document.getElementById(described?.getAttribute("aria-describedby") ?? "");
      return {
        title: (figure.querySelector("h3")?.textContent ?? "").trim().length > 0,
        words: (words?.textContent ?? "").trim().length > 20,
        rows: figure.querySelectorAll("details tbody tr").length > 0,
      };
    }),
  );
  for (const chart of complete) expect(chart).toEqual({ title: true, words: true, rows: true });
});

test("the keyboard alone gets everywhere, and its place is seen", { tag: "@mouse" }, async ({ page, overview }) => {
  await overview.openLive();
  await page.keyboard.press("Tab");
  await expect(overview.skipLink).toBeFocused();
  await expect(overview.skipLink).toBeInViewport();
  const reached: string[] = [];
  for (let step = 0; step < 28; step += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const style = element ? getComputedStyle(element) : undefined;
      return {
        name: element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "",
        seen: style !== undefined && (style.outlineStyle !== "none" || style.boxShadow !== "none"),
      };
    });
    expect(focused.seen, `the focus on "${focused.name}" shows`).toBe(true);
    reached.push(focused.name);
  }
  for (const name of ["Pause", "System", "Light", "Dark", "Earlier", "Zoom in", "1 min", "10 min", "2 y", "Menu"]) expect(reached).toContain(name);
  expect(reached.some((name) => /instant/.test(name)), "a chart is reached").toBe(true);
});

test("the skip link goes to the charts", { tag: ["@mouse", "@nojs"] }, async ({ page, overview }) => {
  await overview.open();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(overview.main).toBeFocused();
});

test("ticks are never announced", { tag: "@once" }, async ({ page, overview }) => {
  await overview.openLive();
  // The word for the stream says that samples are late, which they may be for a moment.
  const spoken = page.locator("[aria-live]:not([aria-live=off]), [role=status]:not(.word), [role=alert], [role=log]");
  const before = await spoken.allInnerTexts();
  const lines = await overview.lines("cpu");
  await overview.expectMoved("cpu", lines);
  expect(await spoken.allInnerTexts()).toEqual(before);
  await expect(page.locator(".word")).toHaveText("Live");
});

test("motion is reduced where it is asked for", { tag: "@once" }, async ({ page, overview }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const path of ["/", "/processes"]) {
    await overview.openLive(path);
    await overview.help.click();
    await expect(overview.sheet).toBeVisible();
    const running = await page.evaluate(
      () => document.getAnimations().filter((animation) => animation.playState === "running").length,
    );
    expect(running, path).toBe(0);
  }
});
