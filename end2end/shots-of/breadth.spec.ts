// Machines of every size, processes, lists, one device and the sheet of keys: on a desk and in a hand, dark and light.

import type { Recording } from "../fixtures/telltale.ts";
import { expect, test } from "../fixtures/test.ts";
import { devices, shoot } from "./shoot.ts";

const PAGES: [name: string, recording: Recording, path: string][] = [
  ["huge", "huge", "/"],
  ["huge-all-services", "huge", "/?all=cgroup"],
  ["huge-all-disks", "huge", "/?all=disk"],
  ["huge-device", "huge", "/?device=disk.sdc"],
  ["huge-processes", "huge", "/processes"],
  ["small", "small", "/"],
  ["small-processes", "small", "/processes"],
  ["device", "ordinary", "/?device=cgroup.postgresql"],
  ["processes", "ordinary", "/processes"],
  ["processes-by-memory", "ordinary", "/processes?sort=memory&search=post"],
  ["hostile-processes", "hostile", "/processes"],
  ["hostile-services", "hostile", "/?all=cgroup"],
];

for (const [device, use] of Object.entries(devices)) {
  for (const colorScheme of ["dark", "light"] as const) {
    test.describe(`${device}-${colorScheme}`, () => {
      test.use({ ...use, colorScheme });

      for (const [name, recording, path] of PAGES) {
        test(name, async ({ page, launch, overview }) => {
          const server = await launch({ recording });
          await overview.openLive(new URL(path, server.url).href);
          await shoot(page, `${device}-${colorScheme}-${name}`);
        });
      }

      test("the sheet of keys", async ({ page, overview }) => {
        await overview.openLive();
        await overview.help.click();
        await expect(overview.sheet).toBeVisible();
        await shoot(page, `${device}-${colorScheme}-keys`);
      });
    });
  }

  test(`${device} in forced colours`, async ({ browser, launch }) => {
    const server = await launch({ recording: "huge" });
    const context = await browser.newContext({ ...use, forcedColors: "active" });
    const page = await context.newPage();
    await page.goto(server.url);
    await shoot(page, `${device}-forced-colours`);
    await context.close();
  });
}
