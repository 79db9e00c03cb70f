// What every page has around what it shows: header, controls, headlines, the sheet of keys.

import { expect, type Locator, type Page } from "@playwright/test";

export type LinkState = "snapshot" | "connecting" | "live" | "polling" | "reconnecting" | "stale" | "paused" | "stopping";
export type PageName = "Overview" | "Processes";
export type Theme = "System" | "Light" | "Dark";
export type Window = "1 min" | "5 min" | "10 min" | "1 h" | "6 h" | "24 h" | "7 d" | "30 d" | "90 d" | "1 y" | "2 y";

/** Where the page asks for its stream. */
export const STREAM = /\/api\/v1\/stream(\?|$)/;
/** For what the next tick brings, looked at so often that it is seen. */
export const SOON = { timeout: 15_000, intervals: [100] };
/** Long enough for a page to notice, back off and come back. */
export const RECOVERY = { timeout: 40_000 };

export class Shell {
  readonly banner: Locator;
  readonly main: Locator;
  readonly heading: Locator;
  readonly skipLink: Locator;
  readonly headlines: Locator;
  readonly pause: Locator;
  readonly resume: Locator;
  readonly reload: Locator;
  readonly help: Locator;
  readonly sheet: Locator;

  constructor(
    readonly page: Page,
    private readonly address: string,
  ) {
    this.banner = page.getByRole("banner");
    this.main = page.getByRole("main");
    this.heading = this.banner.getByRole("heading", { level: 1 });
    this.skipLink = page.getByRole("link", { name: "Skip to the charts" });
    this.headlines = page.locator("article[data-headline]");
    this.pause = page.getByRole("button", { name: "Pause" });
    this.resume = page.getByRole("button", { name: "Resume" });
    this.reload = page.getByRole("link", { name: /reload/i });
    this.help = this.banner.getByRole("button", { name: "Keys" });
    this.sheet = page.getByRole("dialog", { name: "Keys" });
  }

  async open(path = this.address): Promise<void> {
    await this.page.goto(path);
  }

  /** Opens the page and waits until it moves. */
  async openLive(path = this.address): Promise<void> {
    await this.open(path);
    await this.expectLink("live", RECOVERY);
  }

  async expectLink(state: LinkState | RegExp, options: { timeout?: number } = {}): Promise<void> {
    await expect(this.page.locator("[data-stream]")).toHaveAttribute("data-stream", state, options);
  }

  link(name: PageName): Locator {
    return this.page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true });
  }

  window(name: Window): Locator {
    return this.page.getByRole("navigation", { name: "Time window" }).getByRole("link", { name, exact: true });
  }

  theme(name: Theme): Locator {
    return this.page.getByRole("group", { name: "Theme" }).getByRole("button", { name, exact: true });
  }

  /** The sample the HTML ended with, as the server wrote it down. */
  async lastEventId(): Promise<string | null> {
    return this.page.locator("html").getAttribute("data-last-event-id");
  }

  /** All text a person reads below the header. */
  async text(): Promise<string> {
    return (await this.main.innerText()).replace(/\s+/g, " ").trim();
  }

  /** The page is as wide as the screen, and nobody has to scroll sideways. */
  async expectWithinEdges(): Promise<void> {
    const over = await this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth - clientWidth;
    });
    expect(over, "what hangs over the edge, in pixels").toBeLessThanOrEqual(0);
  }

  /** Whatever names a machine has, they are text: nothing was run, no element was made of them. */
  async expectHarmless(): Promise<void> {
    expect(await this.page.evaluate(() => window.harmed)).toBeUndefined();
    const made = "img, iframe, [onerror], [onload], [onfocus], [onmouseover], [srcdoc], main script, main style";
    await expect(this.page.locator(made)).toHaveCount(0);
    const text = await this.page.locator("html").innerText();
    expect(text).not.toMatch(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/);
  }
}

/** The ids of the samples that the server told after one, asked beside the page. */
export async function toldAfter(page: Page, origin: string, id: string): Promise<string[]> {
  const answer = await page.request.get(new URL(`/api/v1/samples?after=${id}`, origin).href);
  const { events } = (await answer.json()) as { events: { event: string; id?: string }[] };
  return events.flatMap(({ event, id }) => (event === "sample" && id !== undefined ? [id] : []));
}

/** The newest sample the server has, asked beside the page. */
export async function newestTick(page: Page, origin: string): Promise<number> {
  const answer = await page.request.get(new URL("/api/v1/sample", origin).href);
  return ((await answer.json()) as { data: { t: number } }).data.t;
}

/** Waits until the server has sampled this many ticks more. */
export async function ticksPass(page: Page, origin: string, ticks: number): Promise<void> {
  const start = await newestTick(page, origin);
  await expect
    .poll(() => newestTick(page, origin), { timeout: 15_000 + ticks * 1_000, intervals: [250] })
    .toBeGreaterThanOrEqual(start + ticks * 1000);
}
