// A machine whose disks, interfaces, services, processes and very name want to do harm.

import { expect, test } from "../fixtures/test.ts";
import { raw } from "../fixtures/raw.mjs";
import { NEXT_TABLE } from "../pages/processes.ts";
import { RECOVERY } from "../pages/shell.ts";

test.use({ recording: "hostile" });

const MARKUP = `"'></script><img src=x onerror=window.harmed=20><script>window.harmed=21</script>`;

test("hostile names are only text", { tag: "@nojs" }, async ({ overview, javaScriptEnabled }) => {
  await overview.open();
  if (javaScriptEnabled) {
    await overview.expectLink("live", RECOVERY);
    const before = await overview.lines("cpu");
    await overview.expectMoved("cpu", before);
  }
  await overview.expectHarmless();
  await expect(overview.charts.filter({ hasText: "<script>" }).first()).toBeVisible();
  await overview.expectWithinEdges();
});

test("processes of hostile names are only text", { tag: "@nojs" }, async ({ processes, javaScriptEnabled }) => {
  await processes.open();
  await expect(processes.rows).toHaveCount(22);
  await expect(processes.rows.filter({ hasText: "<script>" }).first()).toBeVisible();
  await processes.expectHarmless();
  await processes.expectWithinEdges();
  if (javaScriptEnabled) {
    await processes.expectLink("live", RECOVERY);
    const clock = await processes.clock();
    await expect.poll(() => processes.clock(), NEXT_TABLE).not.toBe(clock);
    await processes.search.fill(MARKUP);
    await expect(processes.rows).toHaveCount(0);
    await processes.search.fill("<script>");
    await expect(processes.rows.first()).toBeVisible();
    await processes.expectHarmless();
    await processes.expectWithinEdges();
  }
});

for (const kind of ["cgroup", "disk", "net"] as const) {
  test(`lists of hostile ${kind} names are only text`, { tag: "@nojs" }, async ({ overview, javaScriptEnabled }) => {
    await overview.open(`/?all=${kind}`);
    expect(await overview.rows(kind).count()).toBeGreaterThanOrEqual(8);
    if (javaScriptEnabled) {
      await overview.expectLink("live", RECOVERY);
      const rows = await overview.rows(kind).allInnerTexts();
      await expect.poll(() => overview.rows(kind).allInnerTexts(), NEXT_TABLE).not.toEqual(rows);
    }
    await overview.expectHarmless();
    await overview.expectWithinEdges();
  });

  test(`each of the hostile ${kind} names leads to its page`, { tag: "@once" }, async ({ page, overview }) => {
    test.setTimeout(120_000);
    await page.setViewportSize({ width: 360, height: 800 });
    await overview.open(`/?all=${kind}`);
    const links = await overview.rows(kind).getByRole("link").evaluateAll((all) =>
      all.map((link) => ({ address: (link as HTMLAnchorElement).href, name: link.textContent ?? "" })),
    );
    expect(new Set(links.map(({ address }) => address)).size, "no two share a page").toBe(links.length);
    for (const { address, name } of links) {
      await test.step(address, async () => {
        await overview.openLive(address);
        await expect(page.getByRole("heading", { level: 2, name, exact: true })).toBeAttached();
        expect(await overview.charts.count()).toBeGreaterThanOrEqual(1);
        expect(await overview.charts.count(), "and only its own").toBeLessThanOrEqual(4);
        await overview.expectHarmless();
        await overview.expectWithinEdges();
      });
    }
  });
}

test("addresses that want to do harm do none", { tag: ["@once", "@nojs"] }, async ({ page, overview }) => {
  const text = encodeURIComponent(MARKUP);
  for (const path of [
    `/?device=${text}`, `/?all=${text}`, `/?window=${text}`, `/?device=disk.${text}&all=disk`,
    `/processes?search=${text}`, `/processes?sort=${text}`, `/processes?limit=${text}&search=${"x".repeat(2_000)}`,
    "/?device=%00%ff", "/processes?search=%00%ff%E2%80%AE",
  ]) {
    await test.step(path.slice(0, 60), async () => {
      await overview.open(path);
      await overview.expectHarmless();
      await overview.expectWithinEdges();
      const links = await page.locator("a[href]").evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href));
      for (const link of links) expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[^<>"']*$/);
    });
  }
});

test("hostile names do not split the stream", { tag: "@once" }, async ({ telltale }) => {
  // On a busy machine the first table takes longer than a request waits for it.
  await expect.poll(async () => (await raw(new URL("/api/v1/processes", telltale.url).href)).status).toBe(200);
  for (const path of ["/api/v1/catalog", "/api/v1/host", "/api/v1/processes"]) {
    const { status, body } = await raw(new URL(path, telltale.url).href);
    expect(status, path).toBe(200);
    expect(body.toString(), path).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028\u2029]/);
  }
  const { body } = await raw(new URL("/api/v1/catalog", telltale.url).href);
  for (const { id } of JSON.parse(body.toString()) as { id: string }[]) expect(id).toMatch(/^[A-Za-z0-9_\/:@+.~-]+$/);
});
