// The page of processes as a person finds their way on it.

import type { Locator, Page } from "@playwright/test";
import { Shell } from "./shell.ts";

/** A recording tells of processes every ten seconds. */
export const NEXT_TABLE = { timeout: 30_000, intervals: [250] };

export type Column = "Name" | "PID" | "User" | "CPU" | "Memory" | "Read" | "Written" | "Threads" | "Running for";
export type Order = "CPU" | "Memory" | "I/O";

export class Processes extends Shell {
  readonly table: Locator;
  /** Those that are shown; there are places for more. */
  readonly rows: Locator;
  readonly places: Locator;
  readonly search: Locator;
  /** How many there are, and when they were counted. */
  readonly summary: Locator;

  constructor(page: Page) {
    super(page, "/processes");
    this.table = page.getByRole("table");
    this.places = this.table.locator("tbody tr");
    this.rows = this.places.filter({ visible: true });
    this.search = page.getByRole("search").getByRole("searchbox", { name: "Find" });
    this.summary = page.locator("[data-part=count]");
  }

  /** Opens it again while it knows of no processes: on a busy machine the first table takes longer than a page waits. */
  override async open(path?: string): Promise<void> {
    do await super.open(path);
    while ((await this.summary.innerText()) === "No processes are known here.");
  }

  order(name: Order): Locator {
    return this.page.getByRole("navigation", { name: "Sort by" }).getByRole("link", { name, exact: true });
  }

  /** The columns that say they decide the order, as a screen reader hears it. */
  async sorted(): Promise<string[]> {
    const heads = this.table.locator("thead th[aria-sort]");
    return heads.evaluateAll((all) => all.map((head) => `${head.textContent?.trim()} ${head.getAttribute("aria-sort")}`));
  }

  /** What a column says in each row that is shown, also where a narrow screen leaves the column out. */
  async column(title: Column): Promise<string[]> {
    return (await this.columns([title])).flat();
  }

  /** The figures of some columns, all of them of one and the same table. */
  async figures(titles: Column[]): Promise<number[][]> {
    return (await this.columns(titles)).map((cells) => cells.map(quantity));
  }

  private async columns(titles: Column[]): Promise<string[][]> {
    return this.table.evaluate((table, titles) => {
      const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent?.trim());
      const rows = [...table.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility());
      return titles.map((title) => rows.map((row) => row.children[heads.indexOf(title)]?.textContent?.trim() ?? ""));
    }, titles);
  }

  /** The second in which the shown processes were counted. */
  async clock(): Promise<string> {
    return /\d\d:\d\d:\d\d/.exec(await this.summary.innerText())?.[0] ?? "";
  }
}

const PREFIXES: Record<string, number> = { "": 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 };

/** `4.00 KiB/s` as a number; what could not be read is less than nothing. */
export function quantity(text: string): number {
  const [, number, prefix = ""] = /^([\d.]+)\s*((?:[KMGTP]i)?)(?:B(?:\/s)?|%)?$/.exec(text) ?? [];
  return number === undefined ? -1 : Number(number) * (PREFIXES[prefix] ?? Number.NaN);
}
