// The overview as a person finds their way on it, also where it is about one device or all of a kind: every selector
// of its tests stands here or in `shell.ts`.

import { expect, type Locator, type Page } from "@playwright/test";
import { Shell, SOON } from "./shell.ts";

/** As addresses name them, and how their lists end in "All 40 …". */
export const DEVICES = { disk: "disks", fs: "file systems", net: "interfaces", cgroup: "services and containers" };
export type DeviceKind = keyof typeof DEVICES;

export interface Gap {
  from: number;
  to: number;
  reason: keyof typeof REASONS;
}

/** What stands on a gap. */
const REASONS = {
  not_running: "Telltale was not running",
  suspended: "the host was suspended",
  clock: "the clock was set",
  late: "the host was too busy to sample",
  expired: "no longer held in memory",
  unknown: "no data, reason unknown",
};

export class Overview extends Shell {
  readonly charts: Locator;
  readonly gaps: Locator;
  readonly sections: Locator;
  readonly back: Locator;
  /** What stretch of time is shown, in words. */
  readonly range: Locator;
  readonly toLive: Locator;
  /** The heaviest processes at the crosshair. */
  readonly culprits: Locator;

  constructor(page: Page) {
    super(page, "/");
    this.charts = page.locator("figure[data-family]");
    this.gaps = page.locator("figure[data-family] .notes rect");
    this.sections = page.locator("section.charts");
    this.range = page.locator(".range .words");
    this.culprits = page.locator(".culprits");
    this.toLive = page.getByRole("link", { name: "Live", exact: true });
    this.back = page.getByRole("link", { name: "Back to everything" });
  }

  /** Leads to another stretch of time. */
  move(name: "Earlier" | "Later" | "Zoom in" | "Zoom out"): Locator {
    return this.page.getByRole("navigation", { name: "Time", exact: true }).getByRole("link", { name });
  }

  /** Puts the crosshair somewhere in a plot; a page that is not awake yet does not follow. */
  async pointAt(family: string, share: number): Promise<void> {
    const box = await this.plot(family).boundingBox();
    if (box === null) throw new Error("the plot is not on the page");
    const x = box.x + box.width * share;
    let beside = 0;
    await expect
      .poll(async () => {
        // Somewhere else each time, or it is no move; once only, or two instants are pointed at.
        beside = 1 - beside;
        await this.page.mouse.move(x + beside, box.y + 60);
        return (await this.crosshairs()).length;
      })
      .toBeGreaterThan(0);
  }

  /** Draws over a part of a plot, from and to given as shares of its width. */
  async stretch(family: string, from: number, to: number): Promise<void> {
    const box = await this.plot(family).boundingBox();
    if (box === null) throw new Error("the plot is not on the page");
    const y = box.y + box.height / 2;
    await this.page.mouse.move(box.x + box.width * from, y);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + box.width * ((from + to) / 2), y, { steps: 4 });
    await this.page.mouse.move(box.x + box.width * to, y);
    await this.page.mouse.up();
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

  /** A list of devices, the busiest first. */
  list(kind: DeviceKind): Locator {
    return this.page.locator(`figure[data-devices="${kind}"]`);
  }

  rows(kind: DeviceKind): Locator {
    return this.list(kind).locator("tbody").getByRole("row");
  }

  /** Where the rest of a list is. */
  all(kind: DeviceKind): Locator {
    return this.list(kind).getByRole("link", { name: new RegExp(`^All \\d+ ${DEVICES[kind]}$`) });
  }

  /** The drawn lines of one chart, or of all. */
  async lines(family?: string): Promise<string[]> {
    const figures = family === undefined ? this.charts : this.chart(family);
    return figures.locator("path.line").evaluateAll((paths) => paths.map((path) => path.getAttribute("d") ?? ""));
  }

  /** Waits until a chart has changed from what it was. */
  async expectMoved(family: string, before: string[]): Promise<void> {
    await expect.poll(() => this.lines(family), SOON).not.toEqual(before);
  }

  /** Waits until what is hatched is what the server itself has missed: a busy machine may not let it sample. */
  async expectOnlyToldGaps(origin: string): Promise<void> {
    await expect(async () => {
      const gaps = await toldGaps(this.page, origin, "-5m");
      expect(await this.chart("cpu").locator(".notes rect title").allTextContents()).toEqual(gaps.map(title));
      const words = (await this.gaps.locator("title").allTextContents()).map((title) => title.replace(/^.*?: /, ""));
      expect(new Set(words), "in the other charts as well").toEqual(new Set(gaps.map(({ reason }) => REASONS[reason])));
    }).toPass(SOON);
  }

  /** What a map of heat draws: one path a level. */
  async heat(family: string): Promise<string[]> {
    const levels = this.chart(family).locator(".heat path");
    return levels.evaluateAll((paths) => paths.map((path) => path.getAttribute("d") ?? ""));
  }

  /** Which families have a chart. */
  async families(): Promise<string[]> {
    return this.charts.evaluateAll((figures) => figures.map((figure) => figure.getAttribute("data-family") ?? ""));
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
}

/** What the server has missed since an instant, asked beside the page. */
export async function toldGaps(page: Page, origin: string, from: string): Promise<Gap[]> {
  const address = new URL(`/api/v1/history?family=cpu&from=${from}&points=1000`, origin).href;
  return ((await (await page.request.get(address)).json()) as { gaps: Gap[] }).gaps;
}

/** What a live chart says of a gap. */
export function title({ from, to, reason }: Gap): string {
  const [first, last] = [from, to].map((t) => new Date(t).toISOString().slice(11, 19));
  return first === last ? `${first}: ${REASONS[reason]}` : `${first} to ${last}: ${REASONS[reason]}`;
}
