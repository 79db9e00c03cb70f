// The overview on a desk and in a hand, dark and light, live, without JavaScript, on a first run, and left alone.

import { expect, test } from "../fixtures/test.ts";
import { Overview } from "../pages/overview.ts";
import { RECOVERY } from "../pages/shell.ts";
import { devices, shoot } from "./shoot.ts";

for (const [device, use] of Object.entries(devices)) {
  for (const colorScheme of ["dark", "light"] as const) {
    const name = `${device}-${colorScheme}`;
    test.describe(name, () => {
      test.use({ ...use, colorScheme });

      test("live", async ({ page, overview }) => {
        await overview.openLive();
        await overview.expectMoved("cpu", await overview.lines("cpu"));
        await shoot(page, name);
      });

      test("with the crosshair", async ({ page, overview }) => {
        await overview.openLive();
        await overview.plot("cpu").focus();
        await page.keyboard.press("Home");
        for (let step = 0; step < 12; step += 1) await page.keyboard.press("Shift+ArrowRight");
        await shoot(page, `${name}-crosshair`);
      });

      test("on a first run", async ({ page, launch, overview }) => {
        const server = await launch({ lead: null });
        await overview.openLive(server.url);
        await shoot(page, `${name}-first-run`);
      });

      test("with the server gone and back", async ({ page, launch, overview, problems }) => {
        problems.allow(/./);
        const server = await launch({ recording: "brisk" });
        await overview.openLive(server.url);
        await server.stop();
        const stopped = Date.now();
        await overview.expectLink(/stopping|reconnecting/);
        await shoot(page, `${name}-stopped`);
        await expect.poll(() => Date.now() - stopped, "ticks go by that nobody takes").toBeGreaterThan(4_000);
        await server.restart({ lead: null });
        await overview.expectLink("live", RECOVERY);
        await expect(overview.gaps.first()).toBeAttached({ timeout: 10_000 });
        await shoot(page, `${name}-gap`);
      });

      test("of a hostile machine", async ({ page, launch, overview }) => {
        const server = await launch({ recording: "hostile" });
        await overview.openLive(server.url);
        await shoot(page, `${name}-hostile`);
      });
    });

    test(`${name} without JavaScript`, async ({ browser, telltale }) => {
      const context = await browser.newContext({ ...use, colorScheme, javaScriptEnabled: false });
      const page = await context.newPage();
      await new Overview(page).open(telltale.url);
      await shoot(page, `${name}-without-javascript`);
      await context.close();
    });
  }
}
