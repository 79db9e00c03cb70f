// The overview as a person finds their way on it: every selector of the tests stands here.

import { expect, type Locator, type Page } from "@playwright/test";

export type LinkState = "snapshot" | "connecting" | "live" | "reconnecting" | "stale" | "paused" | "stopping";
export type Theme = "System" | "Light" | "Dark";
export type Window = "1 min" | "5 min" | "10 min";

/** Where the page asks for its stream. */
export const STREAM = /\/api\/v1\/stream(\?|$)/;
/** Long enough for a page to notice, back off and come back. */
export const RECOVERY = { timeout: 25_000 };

export class Overview {
  readonly main: Locator;
  readonly heading: Locator;
  readonly skipLink: Locator;
  readonly charts: Locator;
  readonly headlines: Locator;
  readonly pause: Locator;
  readonly resume: Locator;
  readonly reload: Locator;
  readonly gaps: Locator;

  constructor(readonly page: Page) {
    this.main = page.getByRole("main");
    this.heading = page.getByRole("banner").getByRole("heading", { level: 1 });
    this.skipLink = page.getByRole("link", { name: "Skip to the charts" });
    this.charts = page.locator("figure[data-family]");
    this.headlines = page.locator("article[data-headline]");
    this.pause = page.getByRole("button", { name: "Pause" });
    this.resume = page.getByRole("button", { name: "Resume" });
    this.reload = page.getByRole("link", { name: /reload/i });
    this.gaps = page.locator("figure[data-family] .notes rect");
  }

  async open(path = "/"): Promise<void> {
    await this.page.goto(path);
  }

  /** Opens the page and waits until it moves. */
  async openLive(path = "/"): Promise<void> {
    await this.open(path);
    await this.expectLink("live");
  }

  async expectLink(state: LinkState | RegExp, options: { timeout?: number } = { timeout: 10_000 }): Promise<void> {
    await expect(this.page.locator("[data-stream]")).toHaveAttribute("data-stream", state, options);
  }

  chart(family: string): Locator {
    return this.page.locator(`figure[data-family="${family}"]`);
  }

  plot(family: string): Locator {
    return this.chart(family).getByRole("slider");
  }

  legend(family: string): Locator {
    return this.chart(family).locator(".legend .value");
  }

  window(name: Window): Locator {
    return this.page.getByRole("navigation", { name: "Time window" }).getByRole("link", { name, exact: true });
  }

  theme(name: Theme): Locator {
    return this.page.getByRole("group", { name: "Theme" }).getByRole("button", { name, exact: true });
  }

  /** The drawn lines of one chart, or of all. */
  async lines(family?: string): Promise<string[]> {
    const figures = family === undefined ? this.charts : this.chart(family);
    return figures.locator("path.line").evaluateAll((paths) => paths.map((path) => path.getAttribute("d") ?? ""));
  }

  /** Waits until a chart has changed from what it was. */
  async expectMoved(family: string, before: string[], timeout = 3_000): Promise<void> {
    await expect.poll(() => this.lines(family), { timeout }).not.toEqual(before);
  }

  /** The sample the HTML ended with, as the server wrote it down. */
  async lastEventId(): Promise<string | null> {
    return this.page.locator("html").getAttribute("data-last-event-id");
  }

  /** Where the crosshair stands in each chart that shows one. */
  async crosshairs(): Promise<string[]> {
    return this.page.locator(".crosshair").evaluateAll((lines) =>
      lines
        .filter((line) => {
          const box = line.getBoundingClientRect();
          const plot = line.closest(".plot")?.getBoundingClientRect();
          return plot !== undefined && box.height > 0 && box.right >= plot.left && box.left <= plot.right + 1;
        })
        .map((line) => line.closest(".plot")?.getAttribute("aria-valuenow") ?? ""),
    );
  }

  /** All text a person reads in the charts. */
  async text(): Promise<string> {
    return (await this.main.innerText()).replace(/\s+/g, " ").trim();
  }
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
    .poll(() => newestTick(page, origin), { timeout: 10_000, intervals: [250] })
    .toBeGreaterThanOrEqual(start + ticks * 1000);
}
