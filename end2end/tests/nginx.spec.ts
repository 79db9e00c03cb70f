// Behind nginx with what it does by itself, on a path of its own: kept for a Telltale that knows of it, or taken off.

import { openStream } from "../fixtures/events.ts";
import { Nginx } from "../fixtures/nginx.ts";
import { overhear } from "../fixtures/heard.ts";
import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { expect, test as base } from "../fixtures/test.ts";
import type { Telltale } from "../fixtures/telltale.ts";
import { expectAtOnce, expectOneByOne } from "../pages/arrivals.ts";
import { RECOVERY } from "../pages/shell.ts";

const PATH = "/tools/telltale";
const MODES = {
  kept: {
    options: { basePath: PATH },
    location: (server: Telltale, more = "") => `location ${PATH}/ { proxy_pass ${new URL(server.url).origin}; ${more} }`,
  },
  "taken off": {
    options: {},
    location: (server: Telltale, more = "") => `location ${PATH}/ { proxy_pass ${new URL(server.url).origin}/; ${more} }`,
  },
};

const test = base.extend<{ front: (locations: string) => Promise<Nginx> }>({
  // As servers do, it goes after the page.
  front: [
    async ({}, use) => {
      const started: Nginx[] = [];
      await use(async (locations) => {
        const nginx = await Nginx.start(locations);
        started.push(nginx);
        return nginx;
      });
      for (const nginx of started) await nginx.dispose();
    },
    { auto: true },
  ],
});

test.describe("behind nginx", { tag: "@once" }, () => {
  test.setTimeout(150_000);

  for (const [name, { options, location }] of Object.entries(MODES)) {
    test(`a page lives on a path that is ${name}, and leads nowhere else`, async ({ page, launch, front, overview, processes }) => {
      const server = await launch(options);
      const nginx = await front(location(server));
      const within = `${nginx.url}${PATH}/`;
      const outside: string[] = [];
      const failed: string[] = [];
      page.on("request", (request) => {
        if (!request.url().startsWith(within)) outside.push(request.url());
      });
      page.on("response", (response) => {
        if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`);
      });

      // Without its slash the path leads to the page as well.
      await overview.openLive(`${nginx.url}${PATH}`);
      outside.splice(0, 1);
      await expect(page).toHaveURL(within);
      await overview.expectMoved("cpu", await overview.lines("cpu"));

      await overview.window("1 h").click();
      await expect(page).toHaveURL(`${within}?window=1h`);
      await expect(overview.range).toHaveText("Last hour");
      await overview.link("Processes").click();
      await expect(page).toHaveURL(`${within}processes`);
      await processes.expectLink("live", RECOVERY);
      await page.goBack();
      await expect(page).toHaveURL(`${within}?window=1h`);
      await overview.expectLink("live", RECOVERY);
      await expect(overview.range).toHaveText("Last hour");
      await page.reload();
      await overview.expectLink("live", RECOVERY);
      await page.goForward();
      await expect(page).toHaveURL(`${within}processes`);
      await processes.expectLink("live", RECOVERY);
      await processes.link("Overview").click();
      await expect(page).toHaveURL(within);
      await overview.expectLink("live", RECOVERY);

      await overview.theme("Dark").click();
      const chart = overview.chart("cpu");
      await chart.locator(".menu summary").click();
      const download = page.waitForEvent("download");
      await chart.getByRole("link", { name: "Data as CSV" }).click();
      expect((await download).url()).toContain(`${within}api/v1/history?format=csv`);
      expect(await (await download).failure()).toBeNull();

      const answers = page.locator("link[rel=icon], link[rel=manifest]");
      for (const link of await answers.all()) {
        const href = await link.evaluate((element) => (element as HTMLLinkElement).href);
        expect(href.startsWith(within), href).toBe(true);
        expect((await page.request.get(href)).status(), href).toBe(200);
      }
      const cookies = await page.context().cookies(within);
      expect(cookies.map(({ name }) => name).sort()).toEqual(["telltale_theme", "telltale_window", "telltale_zone"]);
      // Another Telltale on the same host has cookies of its own.
      expect(cookies.map(({ path }) => path)).toEqual(cookies.map(() => PATH));
      expect(outside, "asked for outside of the path").toEqual([]);
      expect(failed, "answered with an error").toEqual([]);
    });

    test(`events come at once and one by one, on a path that is ${name}`, async ({ launch, front }) => {
      const server = await launch(options);
      await server.caughtUp();
      const nginx = await front(location(server));
      const url = `${nginx.url}${PATH}/api/v1/stream`;
      await expectAtOnce(url);
      await Promise.all([expectOneByOne(url), expectOneByOne(url, { "accept-encoding": "gzip" })]);
    });
  }

  test("events come one by one where nginx compresses them itself", async ({ launch, front }) => {
    const server = await launch();
    await server.caughtUp();
    const nginx = await front(MODES["taken off"].location(server, `proxy_set_header Accept-Encoding "";`));
    const url = `${nginx.url}${PATH}/api/v1/stream`;
    const stream = await openStream(url, { "accept-encoding": "gzip" });
    expect(stream.headers["content-encoding"]).toBe("gzip");
    stream.close();
    await expectOneByOne(url, { "accept-encoding": "gzip" });
  });

  test("a reload of nginx is not felt, a restart is mended, and no sample is missed", async ({ page, launch, front, overview, problems }) => {
    problems.allow(CONNECTION_ERRORS);
    const heard = await overhear(page);
    const server = await launch(MODES.kept.options);
    const nginx = await front(MODES.kept.location(server));
    await overview.openLive(`${nginx.url}${PATH}/`);
    nginx.reload();
    const before = (await heard()).samples.length;
    await expect.poll(async () => (await heard()).samples.length).toBeGreaterThan(before + 2);
    await overview.expectLink("live");
    await nginx.restart();
    await overview.expectLink("live", RECOVERY);
    const count = (await heard()).samples.length;
    await expect.poll(async () => (await heard()).samples.length).toBeGreaterThan(count + 2);
    const ticks = (await heard()).samples.map((id) => Number(id.split("-")[1]));
    expect(ticks).toEqual(ticks.map((_, index) => (ticks[0] ?? 0) + index * 1_000));
  });

  test("a proxy that is trusted is believed whom it speaks for", async ({ page, launch, front, overview }) => {
    const server = await launch({ ...MODES.kept.options, configuration: `[stream]\ntrusted_proxies = ["127.0.0.1"]\n` });
    // As if one more proxy stood before this one: nobody but this machine could ask here.
    const forwarded = `proxy_set_header X-Forwarded-For "203.0.113.9";`;
    const nginx = await front(MODES.kept.location(server, forwarded));
    await overview.openLive(`${nginx.url}${PATH}/`);
    const answer = await page.request.get(`${nginx.url}${PATH}/api/v1/subscribers`);
    expect(await answer.text()).toContain("203.0.113.9");
  });

  test("a stream that has nothing to tell outlives nginx's patience", async ({ launch, front }) => {
    const server = await launch();
    const nginx = await front(MODES["taken off"].location(server, "proxy_read_timeout 18s;"));
    const stream = await openStream(`${nginx.url}${PATH}/api/v1/stream?events=notification`);
    const told: string[] = [];
    for await (const { events } of stream) {
      told.push(...events.map(({ event }) => event));
      // Thirty seconds in which nothing else was sent.
      if (told.filter((event) => event === "ping").length === 3) break;
    }
    stream.close();
    expect(told).toEqual(["hello", "ping", "ping", "ping"]);
  });
});
