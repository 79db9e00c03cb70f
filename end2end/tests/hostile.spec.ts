// A machine whose disks, interfaces and very name want to do harm.

import { expect, test } from "../fixtures/test.ts";
import { raw } from "../fixtures/raw.mjs";

test("hostile names are only text", { tag: "@nojs" }, async ({ page, launch, overview, javaScriptEnabled }) => {
  const server = await launch({ recording: "hostile" });
  await overview.open(server.url);
  if (javaScriptEnabled) {
    await overview.expectLink("live");
    const before = await overview.lines("cpu");
    await overview.expectMoved("cpu", before);
  }
  expect(await page.evaluate(() => window.harmed)).toBeUndefined();
  await expect(page.locator("img, iframe, [onerror], [onload], [srcdoc], main script, main style")).toHaveCount(0);
  await expect(overview.charts.filter({ hasText: "<script>" }).first()).toBeVisible();
  const text = await page.locator("html").innerText();
  expect(text).not.toMatch(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over, "endless names do not widen the page").toBeLessThanOrEqual(0);
});

test("hostile names do not split the stream", { tag: "@once" }, async ({ launch }) => {
  const server = await launch({ recording: "hostile" });
  for (const path of ["/api/v1/catalog", "/api/v1/host"]) {
    const { status, body } = await raw(new URL(path, server.url).href);
    expect(status, path).toBe(200);
    expect(body.toString(), path).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028\u2029]/);
  }
  const { body } = await raw(new URL("/api/v1/catalog", server.url).href);
  for (const { id } of JSON.parse(body.toString()) as { id: string }[]) expect(id).toMatch(/^[A-Za-z0-9_\/:@+.~-]+$/);
});
