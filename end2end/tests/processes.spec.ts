// Who runs on the machine: complete in the first HTML, then live through the one stream the page has.

import { hold, overhear } from "../fixtures/heard.ts";
import { expect, test } from "../fixtures/test.ts";
import { type Column, NEXT_TABLE, type Processes } from "../pages/processes.ts";

async function expectDescending(processes: Processes, ...columns: Column[]): Promise<void> {
  // A click on a link returns when the other page begins to come, not when all of it is there.
  await processes.page.waitForLoadState();
  const figures = await processes.figures(columns);
  const weights = (figures[0] ?? []).map((_, row) =>
    // What is read and what is written count together, as far as they are known.
    figures.reduce((sum, column) => sum + Math.max(0, column[row] ?? 0), 0),
  );
  expect(weights.length).toBeGreaterThan(10);
  const steps = weights.slice(1).map((weight, row) => weight - (weights[row] ?? 0));
  // Figures are shown with three digits, so that a sum may seem a little larger than the one above it.
  const slack = weights.map((weight) => (columns.length > 1 ? weight * 0.02 : 0));
  expect(steps.filter((step, row) => step > (slack[row] ?? 0))).toEqual([]);
}

test("the whole list stands in the first HTML", { tag: "@nojs" }, async ({ page, processes }) => {
  await processes.open();
  await expect(page).toHaveTitle(/^harbour\b.*Processes/);
  await expect(page.getByRole("heading", { level: 2, name: "Processes" })).toBeVisible();
  await expect(processes.link("Processes")).toHaveAttribute("aria-current", "page");
  expect(await processes.rows.count()).toBeGreaterThan(20);
  await expect(processes.headlines).toHaveCount(5);
  await expect(processes.summary).toHaveText(/^(The heaviest \d+ of )?\d+ processes, at \d\d:\d\d:\d\d$/);
  for (const column of ["Name", "PID", "CPU", "Memory", "Running for"] as const) {
    expect((await processes.column(column)).filter((cell) => cell === ""), column).toEqual([]);
  }
  expect(await processes.column("Name")).toContain("postgres");
  await expectDescending(processes, "CPU");
  expect(await processes.sorted()).toEqual(["CPU descending"]);
});

test("is reached from the overview, and leads back", { tag: "@nojs" }, async ({ page, overview }) => {
  await overview.open();
  await overview.link("Processes").click();
  await expect(page).toHaveURL(/\/processes$/);
  await overview.link("Overview").click();
  await expect(page).toHaveURL(/\/$/);
});

test("links sort by memory and by what is read and written", { tag: "@nojs" }, async ({ page, processes }) => {
  await processes.open();
  await processes.order("Memory").click();
  await expect(page).toHaveURL(/[?&]sort=memory(&|$)/);
  await expect(processes.order("Memory")).toHaveAttribute("aria-current", /true|page/);
  await expect(processes.order("CPU")).not.toHaveAttribute("aria-current", /true|page/);
  await expectDescending(processes, "Memory");
  expect(await processes.sorted()).toEqual(["Memory descending"]);
  await processes.order("I/O").click();
  await expect(page).toHaveURL(/[?&]sort=io(&|$)/);
  await expectDescending(processes, "Read", "Written");
  expect(await processes.sorted()).toEqual(["Read descending", "Written descending"]);
  await processes.order("CPU").click();
  await expectDescending(processes, "CPU");
});

test("the order stays when the list moves", { tag: "@once" }, async ({ processes }) => {
  await processes.openLive("/processes?sort=memory");
  const clock = await processes.clock();
  await expect.poll(() => processes.clock(), NEXT_TABLE).not.toBe(clock);
  await expectDescending(processes, "Memory");
});

test("a search is a form, and an address", { tag: ["@nojs", "@nojs-only"] }, async ({ page, processes }) => {
  await processes.open("/processes?sort=memory");
  await processes.search.fill("POSTGRES");
  await processes.search.press("Enter");
  await expect(page).toHaveURL(/[?&]search=POSTGRES(&|$)/);
  await expect(page, "and keeps the order").toHaveURL(/[?&]sort=memory(&|$)/);
  await expect(processes.search).toHaveValue("POSTGRES");
  expect(new Set(await processes.column("Name"))).toEqual(new Set(["postgres"]));
  await expect(processes.summary).toHaveText(/^8 of \d+ processes match, at/);
  await expectOrderKeeps(processes);
});

/** Who changes the order looks for the same as before. */
async function expectOrderKeeps(processes: Processes): Promise<void> {
  await processes.order("CPU").click();
  await expect(processes.page).toHaveURL(/[?&]sort=cpu(&|$)/);
  await expect(processes.page).toHaveURL(/[?&]search=POSTGRES(&|$)/i);
  await expect(processes.rows).toHaveCount(8);
}

test("a search finds names, users and PIDs", { tag: ["@once", "@nojs"] }, async ({ processes }) => {
  await processes.open("/processes?search=www-data");
  expect(await processes.rows.count()).toBeGreaterThan(3);
  expect(new Set(await processes.column("User"))).toEqual(new Set(["www-data"]));
  await processes.open("/processes?search=1");
  expect(await processes.column("PID")).toContain("1");
  await processes.open("/processes?search=nobody%20has%20this%20name");
  await expect(processes.rows).toHaveCount(0);
  await expect(processes.summary).toHaveText(/^0 of \d+ processes match/);
});

test("an address says how many are listed", { tag: ["@once", "@nojs"] }, async ({ processes }) => {
  await processes.open("/processes?limit=7");
  await expect(processes.rows).toHaveCount(7);
  await expect(processes.places, "no more places than asked for").toHaveCount(7);
  await expect(processes.summary).toHaveText(/^The heaviest 7 of \d+ processes/);
});

test("moves through the one stream the page has", async ({ page, processes }) => {
  const heard = await overhear(page);
  await processes.openLive();
  const [clock, figures] = [await processes.clock(), await processes.rows.allInnerTexts()];
  await expect.poll(() => processes.clock(), NEXT_TABLE).not.toBe(clock);
  await expect.poll(() => processes.rows.allInnerTexts(), NEXT_TABLE).not.toEqual(figures);
  await expectDescending(processes, "CPU");
  const { urls, samples } = await heard();
  expect(urls).toHaveLength(1);
  expect(urls[0]).toMatch(/[?&]events=[^&]*\bprocesses\b/);
  expect(samples.length, "and the headlines move with it").toBeGreaterThan(0);
});

test("the overview asks nobody to scan processes", { tag: "@once" }, async ({ page, overview }) => {
  const heard = await overhear(page);
  await overview.openLive();
  const { urls } = await heard();
  expect(urls.length, "there is a stream").toBeGreaterThan(0);
  expect(urls.filter((url) => /events=[^&]*processes/.test(url))).toEqual([]);
});

test("typing finds at once, and the address keeps it", async ({ page, processes }) => {
  const heard = await overhear(page);
  await processes.openLive();
  const places = await processes.places.count();
  await expect.poll(async () => (await heard()).tables, NEXT_TABLE).toBeGreaterThan(0);
  const release = await hold(page);
  await processes.search.click();
  await page.keyboard.type("postg");
  await expect(processes.rows, "without waiting for the next table").toHaveCount(8);
  await release();
  expect(new Set(await processes.column("Name"))).toEqual(new Set(["postgres"]));
  await expect(processes.places, "rows that nobody needs are only hidden").toHaveCount(places);
  await expect(processes.places.last()).toBeHidden();
  await expect(processes.table.getByRole("row"), "for screen readers, too").toHaveCount(9);
  await expect(processes.summary).toHaveText(/^8 of \d+ processes match/);
  await expect(page).toHaveURL(/[?&]search=postg(&|$)/);
  await processes.search.fill("");
  await expect.poll(() => processes.rows.count()).toBeGreaterThan(20);
  await processes.search.fill("postgres");
  await expect(processes.rows).toHaveCount(8);
  await page.reload();
  await expect(processes.search).toHaveValue("postgres");
  await expect(processes.rows).toHaveCount(8);
});

test("who is found stays found when the list moves", { tag: "@once" }, async ({ processes }) => {
  await processes.openLive();
  await processes.search.fill("postgres");
  await expect(processes.rows).toHaveCount(8);
  const clock = await processes.clock();
  await expect.poll(() => processes.clock(), NEXT_TABLE).not.toBe(clock);
  await expect(processes.rows).toHaveCount(8);
  expect(new Set(await processes.column("Name"))).toEqual(new Set(["postgres"]));
});

test("what was typed is kept by the links that sort", { tag: "@once" }, async ({ processes }) => {
  await processes.openLive();
  await processes.search.fill("postgres");
  await expect(processes.rows).toHaveCount(8);
  await expectOrderKeeps(processes);
});

test("pause holds the list still, resume lets it go on", { tag: "@once" }, async ({ page, processes }) => {
  test.setTimeout(120_000);
  const heard = await overhear(page);
  await processes.openLive();
  await processes.pause.click();
  await processes.expectLink("paused");
  const [clock, rows] = [await processes.clock(), await processes.rows.allInnerTexts()];
  const { tables } = await heard();
  await expect.poll(async () => (await heard()).tables, NEXT_TABLE).toBeGreaterThan(tables);
  expect(await processes.rows.allInnerTexts()).toEqual(rows);
  expect(await processes.clock()).toBe(clock);
  await processes.resume.click();
  await expect.poll(() => processes.clock(), NEXT_TABLE).not.toBe(clock);
});

test("what counts most fits on the screen", { tag: "@nojs" }, async ({ page, processes }) => {
  await processes.open();
  await processes.expectWithinEdges();
  for (const name of ["Name", "CPU", "Memory"]) {
    await expect(page.getByRole("columnheader", { name, exact: true })).toBeInViewport();
  }
  await expect(processes.rows.first()).toBeInViewport();
});

test.describe("of a server with nearly three thousand", { tag: "@once" }, () => {
  test("the heaviest stand there, and all that are told are found", async ({ launch, processes }) => {
    const server = await launch({ recording: "huge" });
    await processes.openLive(new URL("/processes", server.url).href);
    await expect(processes.summary).toHaveText(/^The heaviest \d+ of 2\d\d\d processes, at/);
    expect((await processes.column("Name"))[0]).toBe("clickhouse-serv");
    await processes.search.fill("agetty");
    await expect(processes.rows, "far down in the list").toHaveCount(10);
  });
});
