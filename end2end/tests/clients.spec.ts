// Whatever reads the stream, reads the same events: a browser, a package of npm and curl, compressed and plain.

import type { Page } from "@playwright/test";
import { byCurl, byPackage, NAMES, ownIds } from "../fixtures/readers.mjs";
import type { Told } from "../fixtures/sse.mjs";
import { expect, test } from "../fixtures/test.ts";

for (const query of ["", "&as=message"]) {
  const title = `a browser, a package and curl read the same events${query === "" ? "" : ", under one name"}`;
  test(title, { tag: "@once" }, async ({ page, telltale }) => {
    const { first, last } = await someTime(telltale.url);
    const url = `${telltale.url}/api/v1/stream?client=same&last_event_id=${first}${query}`;
    const wanted = { url, last };

    const expected = await byCurl(wanted, true);
    const samples = expected.filter(({ id }) => id !== "");
    expect(samples.length).toBe(100);
    expect(new Set(expected.map(({ event }) => event))).toEqual(
      new Set(query === "" ? ["hello", "sample"] : ["message"]),
    );

    await page.goto("/");
    expect(await byBrowser(page, wanted), "Chromium's EventSource").toEqual(expected);
    expect(await byPackage(wanted, false), "eventsource, compressed").toEqual(expected);
    expect(await byPackage(wanted, true), "eventsource, plain").toEqual(expected);
    expect(await byCurl(wanted, false), "curl --compressed").toEqual(expected);
  });
}

/** Two ids with a hundred samples from the one to the other. */
async function someTime(url: string): Promise<{ first: string; last: string }> {
  const newest = ((await (await fetch(`${url}/api/v1/sample`)).json()) as { id: string }).id;
  const [era, t] = newest.split("-");
  const before = (ticks: number) => `${era}-${Number(t) - ticks * 1_000}`;
  return { first: before(200), last: before(100) };
}

/** On whatever page of the server is open. */
async function byBrowser(page: Page, { url, last }: { url: string; last: string }): Promise<Told[]> {
  const told = await page.evaluate(
    ([url, last, names]) =>
      new Promise<Told[]>((resolve) => {
        const source = new EventSource(url);
        const told: Told[] = [];
        for (const name of names) {
          source.addEventListener(name, ({ data, lastEventId }: MessageEvent<string>) => {
            told.push({ event: name, id: lastEventId, data });
            if (lastEventId !== last) return;
            source.close();
            resolve(told);
          });
        }
      }),
    [url, last, NAMES] as const,
  );
  return ownIds(told);
}
