// Behind a proxy that gathers what is streamed: the page says so, asks for samples instead, and goes back when it can.

import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { gathering } from "../fixtures/proxies.ts";
import { expect, test } from "../fixtures/test.ts";
import { RECOVERY, ticksPass } from "../pages/shell.ts";

/** The stream is tried once a minute. */
const TRIED = { timeout: 100_000 };

test("events that are gathered on the way are asked for, until they come by themselves", { tag: "@once" }, async ({ page, telltale, overview, problems }) => {
  test.setTimeout(240_000);
  problems.allow(CONNECTION_ERRORS);
  const proxy = await gathering(telltale.url, 5_000);
  const asked: URL[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.searchParams.has("wait")) asked.push(url);
  });
  await overview.openLive(proxy.url);
  await overview.expectLink("polling", RECOVERY);
  await expect(overview.banner).toContainText(/holds the stream back/i);
  await ticksPass(page, telltale.url, 3);
  await overview.expectMoved("cpu", await overview.lines("cpu"));
  await overview.expectOnlyToldGaps(telltale.url);
  expect(asked.map(({ pathname, searchParams }) => [pathname, searchParams.get("wait")])[0]).toEqual(["/api/v1/samples", "20s"]);
  proxy.passAtOnce();
  await overview.expectLink("live", TRIED);
  await ticksPass(page, telltale.url, 3);
  const before = asked.length;
  await ticksPass(page, telltale.url, 3);
  expect(asked.length, "asking has ended").toBe(before);
  await overview.expectOnlyToldGaps(telltale.url);
  await overview.expectLink("live");
  await proxy.dispose();
});
