// From the smallest phone to a wall: nothing hangs over the edge, whatever machine is shown.

import type { Recording } from "../fixtures/telltale.ts";
import { expect, test } from "../fixtures/test.ts";
import type { Overview } from "../pages/overview.ts";

const PAGES: Record<Recording, string[]> = {
  ordinary: ["/", "/processes", "/?device=disk.sda"],
  brisk: [],
  small: ["/", "/processes", "/?all=cgroup"],
  huge: ["/", "/processes", "/?all=cgroup", "/?device=net.bond0.120"],
  hostile: ["/", "/processes", "/?all=cgroup", "/?all=disk"],
};
const RECORDINGS = ["ordinary", "small", "huge", "hostile"] as const;

async function expectAllWithinEdges(overview: Overview, origin: string, recording: Recording): Promise<void> {
  for (const path of PAGES[recording]) {
    await test.step(path, async () => {
      await overview.open(new URL(path, origin).href);
      await expect(overview.headlines.first()).toBeInViewport();
      await overview.expectWithinEdges();
    });
  }
}

for (const recording of RECORDINGS) {
  for (const width of [360, 768, 1440, 3840]) {
    test(`the ${recording} host fits on ${width} px`, { tag: ["@once", "@nojs"] }, async ({ page, launch, overview }) => {
      await page.setViewportSize({ width, height: 900 });
      await expectAllWithinEdges(overview, (await launch({ recording })).url, recording);
    });
  }

  test.describe("at 200 % zoom", { tag: ["@once", "@nojs"] }, () => {
    test.use({ viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 });
    test(`the ${recording} host fits on a laptop`, async ({ launch, overview }) => {
      await expectAllWithinEdges(overview, (await launch({ recording })).url, recording);
    });
  });
}

for (const width of [360, 390, 768, 1440]) {
  test(`which machine it is can be read on ${width} px`, { tag: ["@once", "@nojs"] }, async ({ page, overview }) => {
    await page.setViewportSize({ width, height: 844 });
    for (const path of ["/", "/processes"]) {
      await overview.open(path);
      const cut = await overview.heading.evaluate((name) => name.scrollWidth - name.clientWidth);
      expect(cut, "how much of the name is cut off, in pixels").toBeLessThanOrEqual(0);
    }
  });
}

test.describe("at 200 % zoom", { tag: ["@once", "@nojs"] }, () => {
  test.use({ viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 });
  test("the header leaves room for what one reads", async ({ overview }) => {
    await overview.open();
    await overview.sections.last().scrollIntoViewIfNeeded();
    const bottom = await overview.banner.evaluate((banner) => banner.getBoundingClientRect().bottom);
    expect(bottom, "of 450 px").toBeLessThanOrEqual(150);
  });

  test("the sheet of keys is reached to its end", async ({ overview }) => {
    await overview.open();
    await overview.help.click();
    const box = await overview.sheet.boundingBox();
    expect(box?.y).toBeGreaterThanOrEqual(0);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(450);
    const close = overview.sheet.getByRole("button", { name: "Close" });
    await close.scrollIntoViewIfNeeded();
    await expect(close).toBeInViewport();
  });
});
