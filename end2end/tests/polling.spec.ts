// Behind a proxy that gathers what is streamed: the page says so, asks for samples instead, and goes back when it can.

import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { gathering } from "../fixtures/proxies.ts";
import { expect, test } from "../fixtures/test.ts";
import { Overview } from "../pages/overview.ts";
import { newestTick, RECOVERY, ticksPass } from "../pages/shell.ts";

/** The stream is tried once a minute at the least. */
const TRIED = { timeout: 100_000 };

const habits = { "in heaps": 5_000, "when it has ended": Number.POSITIVE_INFINITY };
for (const [when, flushMs] of Object.entries(habits)) {
  test(`a stream that is passed on ${when} is not relied on, until it comes in time`, { tag: "@once" }, async ({ context, telltale, problems }) => {
    test.setTimeout(240_000);
    problems.allow(CONNECTION_ERRORS);
    const proxy = await gathering(telltale.url, flushMs);
    const asked: URL[] = [];
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.searchParams.has("wait")) asked.push(url);
    });
    const tabs = [new Overview(await context.newPage()), new Overview(await context.newPage())];
    for (const tab of tabs) {
      problems.watch(tab.page);
      await tab.open(proxy.url);
      await tab.expectLink("polling", RECOVERY);
      await expect(tab.banner).toContainText(/holds the stream back/i);
    }
    for (const tab of tabs) {
      await ticksPass(tab.page, telltale.url, 3);
      await tab.expectMoved("cpu", await tab.lines("cpu"));
      await tab.expectOnlyToldGaps(telltale.url);
    }
    expect(asked.map(({ pathname, searchParams }) => [pathname, searchParams.get("wait")])[0]).toEqual(["/api/v1/samples", "20s"]);
    proxy.passAtOnce();
    for (const tab of tabs) await tab.expectLink("live", TRIED);
    const before = asked.length;
    for (const tab of tabs) {
      await ticksPass(tab.page, telltale.url, 3);
      await tab.expectOnlyToldGaps(telltale.url);
      await tab.expectLink("live");
    }
    expect(asked.length, "asking has ended").toBe(before);
    await proxy.dispose();
  });
}

test("a stream that was held back for once is taken again within seconds", { tag: "@once" }, async ({ telltale, overview, problems }) => {
  problems.allow(CONNECTION_ERRORS);
  const proxy = await gathering(telltale.url, 5_000);
  await overview.open(proxy.url);
  await overview.expectLink("polling", RECOVERY);
  proxy.passAtOnce();
  await overview.expectLink("live", RECOVERY);
  await overview.expectOnlyToldGaps(telltale.url);
  await proxy.dispose();
});

test("who does not wait for the next sample is not asked without a pause", { tag: "@once" }, async ({ page, telltale, overview, problems }) => {
  problems.allow(CONNECTION_ERRORS);
  const proxy = await gathering(telltale.url, 5_000);
  await overview.open(proxy.url);
  await overview.expectLink("polling", RECOVERY);
  let asked = 0;
  await page.route(/&wait=/, (route) => {
    asked += 1;
    return route.fulfill({ body: '{"events":[]}' });
  });
  await expect.poll(() => asked, RECOVERY).toBeGreaterThan(0);
  const begin = await newestTick(page, telltale.url);
  await ticksPass(page, telltale.url, 3);
  const passed = ((await newestTick(page, telltale.url)) - begin) / 1_000;
  expect(asked, "without a pause it would be hundreds").toBeLessThanOrEqual(passed + 2);
  await proxy.dispose();
});
