// Every way a connection can end: said on the page, mended by the page, and what was missed is drawn as missed.

import { overhear } from "../fixtures/heard.ts";
import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { raw } from "../fixtures/raw.mjs";
import { expect, test } from "../fixtures/test.ts";
import { Wire } from "../fixtures/wire.ts";
import { RECOVERY, STREAM, ticksPass, toldAfter } from "../pages/shell.ts";

/** In how much time a server must have stopped. */
const STOP_MS = 2_000;
const NIGHT_MS = 8 * 3_600_000;
/** For how long a server stays away. */
const AWAY = { timeout: 30_000, intervals: [250] };

test.describe("the connection", { tag: "@once" }, () => {
  test.setTimeout(150_000);
  test.beforeEach(({ problems }) => problems.allow(CONNECTION_ERRORS));

  test("a killed server is said, its return found, its absence hatched", async ({ launch, overview }) => {
    const server = await launch({ recording: "brisk" });
    await overview.openLive(server.url);
    await server.kill();
    const killed = Date.now();
    await overview.expectLink("reconnecting");
    await expect.poll(() => Date.now() - killed, { message: "ticks go by that nobody takes", ...AWAY }).toBeGreaterThan(3_000);
    await server.restart({ lead: null });
    await overview.expectLink("live", RECOVERY);
    await expect(overview.gaps.first()).toBeAttached();
    const before = await overview.lines("cpu");
    await overview.expectMoved("cpu", before);
  });

  test("a stopping server says goodbye", async ({ launch, overview }) => {
    const server = await launch();
    await overview.openLive(server.url);
    const taken: number[] = [];
    // The best of three counts: a busy machine takes time for itself.
    while (taken.length < 3 && !taken.some((ms) => ms <= STOP_MS)) {
      taken.push(await server.stop());
      await overview.expectLink(/stopping|reconnecting/);
      await server.restart();
      await overview.expectLink("live", RECOVERY);
    }
    expect(Math.min(...taken), `ms until it had stopped: ${taken.join(", ")}`).toBeLessThanOrEqual(STOP_MS);
  });

  test("a cut wire is resumed, and no sample is missed or doubled", async ({ page, telltale, overview }) => {
    const heard = await overhear(page);
    const wire = await Wire.to(telltale.url);
    await overview.openLive(wire.url);
    wire.cut();
    await overview.expectLink("reconnecting");
    await ticksPass(page, telltale.url, 3);
    wire.mend();
    await overview.expectLink("live", RECOVERY);
    const count = (await heard()).samples.length;
    await expect.poll(async () => (await heard()).samples.length).toBeGreaterThan(count + 2);
    const { urls, samples } = await heard();
    const first = new URL(urls[0] ?? "", wire.url).searchParams.get("last_event_id") ?? "";
    expect(samples).toEqual((await toldAfter(page, telltale.url, first)).slice(0, samples.length));
    await overview.expectOnlyToldGaps(telltale.url);
    await wire.dispose();
  });

  test("a page that slept through a night asks for no more than it shows", async ({ page, telltale, overview }) => {
    const heard = await overhear(page);
    const wire = await Wire.to(telltale.url);
    await overview.openLive(wire.url);
    await page.evaluate((ms) => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + ms;
    }, NIGHT_MS);
    const asked = (await heard()).urls.length;
    wire.cut();
    wire.mend();
    await expect.poll(async () => (await heard()).urls.length, RECOVERY).toBeGreaterThan(asked);
    const id = new URL((await heard()).urls.at(-1) ?? "", wire.url).searchParams.get("last_event_id") ?? "";
    expect(Date.now() + NIGHT_MS - Number(id.split("-")[1])).toBeLessThan(12 * 60_000);
    await overview.expectLink("live", RECOVERY);
    await wire.dispose();
  });

  test("a wire that died in silence is noticed", async ({ telltale, overview }) => {
    const wire = await Wire.to(telltale.url);
    await overview.openLive(wire.url);
    wire.freeze();
    await overview.expectLink(/stale|reconnecting/, RECOVERY);
    wire.mend();
    // What comes in a heap afterwards may be taken for held back on the way: the stream is tried again soon.
    await overview.expectLink("live", RECOVERY);
    await wire.dispose();
  });

  for (const status of [429, 502, 503]) {
    test(`${status} ends an EventSource for good, but not the page`, async ({ page, overview }) => {
      let refused = 0;
      await page.route(STREAM, (route) => {
        refused += 1;
        return route.fulfill({ status, headers: { "retry-after": "1" }, body: "{}" });
      });
      await overview.open();
      await overview.expectLink("reconnecting");
      await expect.poll(() => refused, RECOVERY).toBeGreaterThanOrEqual(2);
      await page.unroute(STREAM);
      await overview.expectLink("live", RECOVERY);
    });
  }

  test("a page older than its server offers to reload", async ({ page, overview, telltale }) => {
    const hello = await firstEvents(telltale.url);
    await page.route(STREAM, (route) =>
      route.fulfill({
        contentType: "text/event-stream",
        body: hello.replace(/"page_build":"[^"]*"/, '"page_build":"another"'),
      }),
    );
    await overview.open();
    await expect(overview.reload).toBeVisible();
    await page.unroute(STREAM);
  });
});

/** The stream up to its first sample, as it was sent. */
async function firstEvents(origin: string): Promise<string> {
  const stop = new AbortController();
  const response = await fetch(new URL("/api/v1/stream?z=0", origin), { signal: stop.signal });
  let text = "";
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (!/event: sample[\s\S]*?\n\n/.test(text)) text += (await reader?.read())?.value ?? "";
  stop.abort();
  return text;
}

test("an unknown page is a page too, or at least an answer", { tag: "@once" }, async ({ telltale }) => {
  const answer = await raw(new URL("/nowhere", telltale.url).href, { accept: "text/html" });
  expect(answer.status).toBe(404);
});
