// One slow core, 256 MB and an old kernel: what the machine lacks is left out, everything else is there.

import { expect, test } from "../fixtures/test.ts";

test.use({ recording: "small" });

test("what the machine lacks has no place on the page", { tag: "@nojs" }, async ({ page, overview }) => {
  await overview.open();
  expect((await overview.families()).filter((family) => /pressure/.test(family))).toEqual([]);
  await expect(overview.headlines).toHaveCount(4);
  await expect(page.getByText("pressure", { exact: false })).toHaveCount(0);
  const sections = await overview.sections.evaluateAll((all) =>
    all.map((section) => ({
      title: section.querySelector("h2")?.textContent,
      parts: section.querySelectorAll("figure").length,
    })),
  );
  expect(sections.filter(({ parts }) => parts === 0)).toEqual([]);
});

test("everything else is there", { tag: "@nojs" }, async ({ page, overview }) => {
  await overview.open();
  await expect(overview.heading).toHaveText("attic");
  await expect(overview.banner.getByText("1 core", { exact: true })).toBeAttached();
  await expect(overview.banner.getByText("256 MiB", { exact: true })).toBeAttached();
  const titles = ["CPU", "Memory", "Disks", "Network", "Services and containers", "Hardware", "Telltale itself"];
  await expect(page.getByRole("heading", { level: 2 }).and(overview.sections.locator("> h2"))).toHaveText(titles);
  const families = await overview.families();
  for (const family of [
    "cpu", "load", "cpu.cores", "cpu.frequency", "tasks", "processes", "interrupts", "memory", "memory.available",
    "swap", "swap.io", "zram", "disk.mmcblk0.util", "disk.mmcblk0.io", "disk.mmcblk0.latency", "disk.mmcblk0.ops",
    "fs./.space", "fs./boot/firmware.space", "net.wlan0.traffic", "net.wlan0.packets", "net.wlan0.errors", "tcp",
    "temperature", "self",
  ]) {
    expect(families).toContain(family);
  }
  await expect(overview.chart("cpu.cores").locator("path.line[data-index]")).toHaveCount(1);
  await expect(overview.chart("cpu.cores").locator(".heat")).toHaveCount(0);
  await expect(overview.rows("cgroup")).toHaveCount(6);
  await expect(overview.all("cgroup"), "nothing is left out of so few").toHaveCount(0);
});

test("what could not be read is not zero", { tag: ["@once", "@nojs"] }, async ({ overview }) => {
  await overview.open();
  // FAT has no inodes.
  await expect(overview.legend("fs./boot/firmware.inodes")).toHaveText(["–", "–"]);
});

test("a small machine's page moves", async ({ overview }) => {
  await overview.openLive();
  await overview.expectMoved("cpu", await overview.lines("cpu"));
});
