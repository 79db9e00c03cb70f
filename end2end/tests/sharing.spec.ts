// All pages of one browser hang on one connection; whoever holds it may go in any way, and another goes on without a hole.

import type { BrowserContext, Page } from "@playwright/test";
import { CONNECTION_ERRORS } from "../fixtures/problems.ts";
import { noting, type Proxy } from "../fixtures/proxies.ts";
import { expect, test } from "../fixtures/test.ts";
import { Tab } from "../fixtures/tabs.ts";
import { Wire } from "../fixtures/wire.ts";
import type { Telltale } from "../fixtures/telltale.ts";
import { Overview, toldGaps } from "../pages/overview.ts";
import { newestTick, RECOVERY, ticksPass, toldAfter } from "../pages/shell.ts";

/** In how much time another must lead. */
const REPLACED_MS = 3_000;
const WATCHED = { timeout: 30_000, intervals: [50] };

/** Where a page asks for what it missed. */
const ASKED = /\/api\/v1\/samples\?after=/;

/** What a page says of its connection, and how many gaps it draws. */
const LINK = "document.querySelector('[data-stream]')?.dataset.stream";
const GAPS = "document.querySelectorAll('figure[data-family=cpu] .notes rect').length";

declare global {
  interface Window {
    streams: EventSource[];
    links: string[];
    /** The id of the sample that is kept from the page; the next one is if it is empty. */
    missed: string;
  }
}

test.describe("the pages of one browser", { tag: "@once" }, () => {
  test.setTimeout(150_000);
  test.beforeEach(({ problems }) => problems.allow(CONNECTION_ERRORS));
  const proxies: Proxy[] = [];
  test.afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.dispose();
  });

  /** A server, and where its pages note what they take. */
  async function behind(server: Telltale): Promise<{ server: Telltale; url: string }> {
    const proxy = await noting(server.url);
    proxies.push(proxy);
    return { server, url: proxy.url };
  }

  test("twenty are live over one connection", async ({ context, launch }) => {
    const { server, url } = await behind(await launch());
    const tabs = await open(context, url, 20);
    await expect.poll(() => subscribers(server.url), WATCHED).toBe(1);
    for (const tab of tabs) {
      await tab.expectLink("live", RECOVERY);
      await expectAllTaken(tab, server.url);
    }
    expect(await subscribers(server.url)).toBe(1);
    await tabs.at(-1)?.expectOnlyToldGaps(server.url);
  });

  const ways: Record<string, (page: Page) => Promise<unknown>> = {
    "is closed": (page) => page.close(),
    crashes: (page) => crash(page),
    "is stuck": async (page) => void page.evaluate(block, 2 * REPLACED_MS).catch(() => {}),
  };
  for (const [way, leave] of Object.entries(ways)) {
    test(`one that leads and ${way} is replaced, without a hole`, async ({ context, launch }) => {
      const { server, url } = await behind(await launch());
      let tabs = await open(context, url, 5);
      const taken: number[] = [];
      // The best of three counts: a busy machine takes time for itself.
      while (taken.length < 3 && !taken.some((ms) => ms <= REPLACED_MS)) {
        await expect.poll(() => leaders(tabs), WATCHED).toHaveLength(1);
        const [leader] = await leaders(tabs);
        if (leader === undefined) throw new Error("nobody leads");
        const led = tabs;
        tabs = tabs.filter((tab) => tab !== leader);
        const left = Date.now();
        await leave(leader.page);
        await expect.poll(() => leaders(tabs), WATCHED).toHaveLength(1);
        taken.push(Date.now() - left);
        // Who was only stuck is one of them again.
        if (way === "is stuck") tabs = led;
      }
      expect(Math.min(...taken), `ms until another led: ${taken.join(", ")}`).toBeLessThanOrEqual(REPLACED_MS);
      for (const tab of tabs) {
        await tab.expectLink("live", RECOVERY);
        await expectAllTaken(tab, server.url);
        await tab.expectOnlyToldGaps(server.url);
      }
      await expect.poll(() => subscribers(server.url), RECOVERY).toBe(1);
    });
  }

  test("one that leads and is frozen is replaced, and has everything when it wakes", async ({ browser, page, launch }) => {
    const { server, url } = await behind(await launch());
    const openTab = await Tab.opener(browser);
    const openLive = async () => {
      const tab = await openTab(url);
      await expect.poll(() => tab.look(LINK), RECOVERY).toBe("live");
      return tab;
    };
    const leader = await openLive();
    await openLive();
    const front = await openLive();
    const [led] = await ids(server.url);
    const left = Date.now();
    await leader.become("frozen");
    await expect.poll(async () => (await ids(server.url)).filter((id) => id !== led), WATCHED).toHaveLength(1);
    expect(Date.now() - left).toBeLessThanOrEqual(REPLACED_MS);
    await ticksPass(page, server.url, 5);
    await leader.become("active");
    await leader.toFront();
    for (const tab of [leader, front]) {
      await expect.poll(() => tab.look(LINK), RECOVERY).toBe("live");
      const told = (await toldGaps(page, server.url, "-5m")).length;
      await expect.poll(() => tab.look(GAPS)).toBe(told);
      await expectTaken(page, (expression) => tab.look(expression), server.url);
    }
    await expect.poll(() => ids(server.url), RECOVERY).toHaveLength(1);
  });

  test("all are complete when the network is back", async ({ context, launch }) => {
    const { server, url } = await behind(await launch());
    const wire = await Wire.to(url);
    const tabs = await open(context, wire.url, 3);
    // What Playwright calls offline leaves open connections as they are.
    await context.setOffline(true);
    wire.cut();
    for (const tab of tabs) await tab.expectLink("reconnecting", RECOVERY);
    wire.mend();
    await context.setOffline(false);
    for (const tab of tabs) {
      await tab.expectLink("live", RECOVERY);
      await expectAllTaken(tab, server.url);
      await tab.expectOnlyToldGaps(server.url);
    }
    await expect.poll(() => subscribers(server.url), RECOVERY).toBe(1);
    await wire.dispose();
  });

  test("one that leads out of sight, where its timers hardly run, notices a dead connection", async ({ context, launch }) => {
    const { server, url } = await behind(await launch());
    const wire = await Wire.to(url);
    const hidden = await context.newPage();
    await hidden.addInitScript(() => Object.defineProperty(window, "setInterval", { value: () => 0 }));
    const leader = new Overview(hidden);
    await leader.openLive(wire.url);
    const tabs = await open(context, wire.url, 2);
    expect(await leaders(tabs)).toHaveLength(0);
    wire.freeze();
    for (const tab of tabs) await tab.expectLink(/stale|reconnecting/, RECOVERY);
    wire.mend();
    for (const tab of [leader, ...tabs]) {
      await tab.expectLink("live", RECOVERY);
      await expectAllTaken(tab, server.url);
      await tab.expectOnlyToldGaps(server.url);
    }
    await wire.dispose();
  });

  test("what one still says that was robbed of its lead is not believed", async ({ context, launch }) => {
    const { url } = await behind(await launch());
    const tabs = await open(context, url, 3);
    for (const { page } of tabs) {
      await page.evaluate(() => {
        window.links = [];
        const link = document.querySelector<HTMLElement>("[data-stream]");
        if (link === null) throw new Error("the page says nothing of its stream");
        new MutationObserver(() => window.links.push(link.dataset["stream"] ?? "")).observe(link, { attributes: true });
      });
    }
    await tabs[0]?.page.evaluate(() => {
      const channel = new BroadcastChannel("telltale/");
      channel.postMessage({ name: "bye", data: '{"reason":"shutdown","retry_ms":60000}', term: 1 });
      channel.postMessage({ name: "down", chance: 0.5, term: 1 });
    });
    for (const { page } of tabs) {
      const before = await page.evaluate(() => window.taken.length);
      await expect.poll(() => page.evaluate(() => window.taken.length), WATCHED).toBeGreaterThan(before + 2);
      expect(await page.evaluate(() => window.links)).toEqual([]);
    }
  });

  const answers: Record<string, { body?: string; status?: number; isTaken: boolean }> = {
    "is never answered": { isTaken: true },
    "is refused": { status: 503, body: "{}", isTaken: true },
    "is answered with nothing": { body: '{"events":[]}', isTaken: false },
  };
  for (const [how, { body, status = 200, isTaken }] of Object.entries(answers)) {
    test(`a page that missed a sample, and whose question for it ${how}, goes on`, async ({ context, launch }) => {
      const { server, url } = await behind(await launch());
      await context.addInitScript(() => {
        window.BroadcastChannel = class extends BroadcastChannel {
          constructor(name: string) {
            super(name);
            this.addEventListener("message", (event: MessageEvent<{ name: string; id: string }>) => {
              if (window.missed !== "" || event.data.name !== "sample") return;
              window.missed = event.data.id;
              event.stopImmediatePropagation();
            });
          }
        };
      });
      const [, tab] = await open(context, url, 2);
      if (tab === undefined) throw new Error("there is no second page");
      await expectAllTaken(tab, server.url);
      let asked = 0;
      let isOver = false;
      await tab.page.route(ASKED, async (route) => {
        if (isOver) return route.continue();
        asked += 1;
        if (body !== undefined) await route.fulfill({ status, body });
      });
      await tab.page.evaluate(() => (window.missed = ""));
      await expect.poll(() => asked, WATCHED).toBeGreaterThan(0);
      const begin = await newestTick(tab.page, server.url);
      await ticksPass(tab.page, server.url, 3);
      const passed = ((await newestTick(tab.page, server.url)) - begin) / 1_000;
      expect(asked, "without a pause it would be hundreds").toBeLessThanOrEqual(2 * passed + 2);
      isOver = true;
      const missed = instant(await tab.page.evaluate(() => window.missed));
      await expectAllTaken(tab, server.url, isTaken ? [] : [missed]);
      await tab.expectLink("live", RECOVERY);
      expect(await subscribers(server.url)).toBe(1);
    });
  }

  const missing: Record<string, () => boolean> = {
    "pages can't talk to each other": () => Reflect.deleteProperty(window, "BroadcastChannel"),
    "there are no locks": () => Reflect.deleteProperty(Navigator.prototype, "locks"),
  };
  for (const [where, remove] of Object.entries(missing)) {
    test(`where ${where}, each has its own connection`, async ({ context, launch }) => {
      await context.addInitScript(remove);
      const { server, url } = await behind(await launch());
      const wire = await Wire.to(url);
      const tabs = await open(context, wire.url, 3);
      await expect.poll(() => subscribers(server.url), WATCHED).toBe(3);
      await tabs.shift()?.page.close();
      await expect.poll(() => subscribers(server.url), WATCHED).toBe(2);
      wire.cut();
      for (const tab of tabs) await tab.expectLink("reconnecting", RECOVERY);
      wire.mend();
      for (const tab of tabs) {
        await tab.expectLink("live", RECOVERY);
        await expectAllTaken(tab, server.url);
      }
      await expect.poll(() => subscribers(server.url), RECOVERY).toBe(2);
      await wire.dispose();
    });
  }
});

async function open(context: BrowserContext, url: string, count: number): Promise<Overview[]> {
  await context.addInitScript(() => {
    window.streams = [];
    window.EventSource = class extends window.EventSource {
      constructor(url: string | URL, init?: EventSourceInit) {
        super(url, init);
        window.streams.push(this);
      }
    };
  });
  const tabs: Overview[] = [];
  for (let index = 0; index < count; index++) {
    const tab = new Overview(await context.newPage());
    await tab.openLive(url);
    tabs.push(tab);
  }
  return tabs;
}

/** Waits until a page has taken what the server has told since the page's HTML, each sample once and in its order. */
async function expectAllTaken({ page }: Overview, origin: string, but: number[] = []): Promise<void> {
  await expectTaken(page, (expression) => page.evaluate(expression), origin, but);
}

type Look = <T>(expression: string) => Promise<T>;

async function expectTaken(asking: Page, look: Look, origin: string, but: number[] = []): Promise<void> {
  const first = await look<string>("document.documentElement.dataset.lastEventId");
  await ticksPass(asking, origin, 1);
  const told = (await toldAfter(asking, origin, first)).map(instant).filter((t) => !but.includes(t));
  await expect.poll(async () => (await look<number[]>("self.taken")).length, RECOVERY).toBeGreaterThanOrEqual(told.length);
  expect((await look<number[]>("self.taken")).slice(0, told.length)).toEqual(told);
}

/** When a sample of this id was taken. */
function instant(id: string): number {
  return Number(id.split("-")[1]);
}

/** Those that have a connection of their own. */
async function leaders(tabs: Overview[]): Promise<Overview[]> {
  const isOpen = () => window.streams.some((stream) => stream.readyState === EventSource.OPEN);
  const leads = await Promise.all(tabs.map((tab) => tab.page.evaluate(isOpen)));
  return tabs.filter((_, index) => leads[index]);
}

async function subscribers(url: string): Promise<number> {
  return (await ids(url)).length;
}

async function ids(url: string): Promise<string[]> {
  const answer = await fetch(new URL("/api/v1/subscribers", url));
  return ((await answer.json()) as { subscribers: { id: string }[] }).subscribers.map(({ id }) => id);
}

async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  session.send("Page.crash").catch(() => {});
  await crashed;
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
