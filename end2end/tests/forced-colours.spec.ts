// In the colours a viewer forces upon all pages: what was told by colour is still told.

import type { Locator } from "@playwright/test";
import { expect, test } from "../fixtures/test.ts";
import type { LinkState } from "../pages/shell.ts";

const STATES: LinkState[] = ["snapshot", "connecting", "live", "reconnecting", "stale", "paused", "stopping"];

async function styles(elements: Locator, names: string[]): Promise<string[]> {
  return elements.evaluateAll(
    (all, names) =>
      all.map((element) => {
        const style = getComputedStyle(element);
        return names.map((name) => style.getPropertyValue(name)).join(" ");
      }),
    names,
  );
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`forced colours, ${colorScheme}`, { tag: "@once" }, () => {
    let canvas = "";
    test.beforeEach(async ({ page, overview }) => {
      await page.emulateMedia({ forcedColors: "active", colorScheme });
      await overview.openLive();
      expect(await page.evaluate(() => matchMedia("(forced-colors: active)").matches)).toBe(true);
      canvas = (await styles(page.locator("body"), ["background-color"]))[0] ?? "";
      if (/, 0\)$|transparent/.test(canvas)) canvas = (await styles(page.locator("html"), ["background-color"]))[0] ?? "";
    });

    test("the lamp is seen, and its shape tells the state", async ({ page }) => {
      const lamp = page.locator(".lamp");
      const shapes = new Map<string, LinkState[]>();
      for (const state of STATES) {
        await page.locator("[data-stream]").evaluate((stream, state) => stream.setAttribute("data-stream", state), state);
        const [edge] = await styles(lamp, ["border-top-style", "border-top-width", "border-top-color"]);
        expect(edge, state).toMatch(/^solid [1-9]/);
        expect(edge, state).not.toContain(canvas);
        const [shape = ""] = await styles(lamp, ["border-radius", "transform", "background-image", "background-color"]);
        shapes.set(shape, [...(shapes.get(shape) ?? []), state]);
      }
      // Those that are neither good nor lasting may look alike: a word stands beside each.
      const alike = [...shapes.values()].filter((states) => states.length > 1).flat();
      for (const state of ["live", "stale", "paused"] as const) expect(alike).not.toContain(state);
    });

    test("the focus is seen", async ({ page, overview }) => {
      for (const element of [overview.window("1 min"), overview.pause, overview.help, overview.plot("cpu")]) {
        await element.focus();
        await page.keyboard.press("Shift+Tab");
        await page.keyboard.press("Tab");
        await expect(element).toBeFocused();
        const [outline] = await styles(element, ["outline-style", "outline-width", "outline-color"]);
        expect(outline).toMatch(/^(solid|auto) [1-9]/);
        expect(outline).not.toContain(canvas);
      }
    });

    test("what is chosen is seen", async ({ overview }) => {
      const chosen = await styles(overview.window("5 min"), ["background-color", "color"]);
      expect(await styles(overview.window("1 min"), ["background-color", "color"])).not.toEqual(chosen);
      const pressed = await styles(overview.theme("System"), ["background-color", "color"]);
      expect(await styles(overview.theme("Dark"), ["background-color", "color"])).not.toEqual(pressed);
      for (const element of [overview.window("5 min"), overview.theme("System")]) {
        // Where colours are forced, text has a plate of the canvas behind it: on another ground it would vanish.
        const [style = ""] = await styles(element, ["forced-color-adjust", "background-color"]);
        if (!style.endsWith(canvas)) expect(style).toMatch(/^none /);
      }
      const current = await styles(overview.link("Overview"), ["border-bottom-color", "font-weight"]);
      expect(await styles(overview.link("Processes"), ["border-bottom-color", "font-weight"])).not.toEqual(current);
    });

    test("lines are seen, and told apart as the legend says", async ({ overview }) => {
      for (const family of ["load", "memory", "disk.sda.io", "net.eth0.traffic"]) {
        const lines = overview.chart(family).locator("path.line[data-index]");
        const drawn = await styles(lines, ["stroke", "stroke-dasharray"]);
        for (const line of drawn) expect(line, family).not.toMatch(/^none/);
        for (const line of drawn) expect(line.startsWith(`${canvas} `), family).toBe(false);
        expect(new Set(drawn).size, `${family}: ${drawn.join(" | ")}`).toBe(drawn.length);
      }
    });

    test("the state of a headline is a word", async ({ overview }) => {
      for (const headline of await overview.headlines.all()) {
        await expect(headline.getByText(/^(fine|high|critical)$/)).toBeVisible();
      }
    });

    test("levels of heat are told apart", async ({ launch, overview }) => {
      const server = await launch({ recording: "huge" });
      await overview.openLive(server.url);
      const levels = await styles(overview.chart("cpu.cores").locator(".heat path"), ["stroke", "stroke-opacity"]);
      expect(levels).toHaveLength(5);
      expect(new Set(levels).size).toBe(5);
      for (const level of levels) expect(level.startsWith(`${canvas} `)).toBe(false);
    });
  });
}
