// Behind proxies that treat streams as Caddy and Traefik do by default.

import { openStream } from "../fixtures/events.ts";
import { caddyLike, traefikLike } from "../fixtures/proxies.ts";
import { expect, test } from "../fixtures/test.ts";
import { expectAtOnce, expectOneByOne } from "../pages/arrivals.ts";

const PATH = "/tools/telltale";

for (const [name, start] of Object.entries({ Caddy: caddyLike, Traefik: traefikLike })) {
  for (const isKept of [true, false]) {
    const title = `behind a proxy like ${name} that ${isKept ? "keeps the path" : "takes the path off"} events come one by one`;
    test(title, { tag: "@once" }, async ({ launch }) => {
      const server = await launch(isKept ? { basePath: PATH } : {});
      await server.caughtUp();
      const proxy = await start(new URL(server.url).origin, isKept ? undefined : PATH);
      const url = `${proxy.url}${PATH}/api/v1/stream`;
      await expectAtOnce(url);
      await Promise.all([expectOneByOne(url), expectOneByOne(url, { "accept-encoding": "gzip, deflate, br" })]);
      await proxy.dispose();
    });
  }

  test(`a client that goes away behind a proxy like ${name} is let go`, { tag: "@once" }, async ({ launch }) => {
    const server = await launch();
    const proxy = await start(server.url);
    const stream = await openStream(`${proxy.url}/api/v1/stream?client=gone`);
    // Not in a loop: who leaves one goes away by that.
    expect((await stream[Symbol.asyncIterator]().next()).done).toBe(false);
    const subscribers = async () => (await fetch(`${server.url}/api/v1/subscribers`)).text();
    expect(await subscribers()).toContain("gone");
    stream.close();
    await expect.poll(subscribers).not.toContain("gone");
    await proxy.dispose();
  });
}
