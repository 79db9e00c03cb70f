// What a screen reader says: the machine's state can be learned from headings and the descriptions of figures alone.

import type { Recording } from "../fixtures/telltale.ts";
import { expect, test } from "../fixtures/test.ts";
import type { Shell } from "../pages/shell.ts";

interface State {
  /** The first heading below the host's name: `State of the machine: Disk high`. */
  summary: string;
  /** The headings of the headlines: `CPU: 12.3%, fine`. */
  headlines: string[];
}

/** All of it from one instant. */
async function stateByHeadings(shell: Shell): Promise<State> {
  return shell.main.evaluate((main) => {
    const text = (element: Element | null) => {
      const heard = element?.cloneNode(true) as Element | undefined;
      for (const silent of heard?.querySelectorAll("[aria-hidden=true]") ?? []) silent.remove();
      return (element?.getAttribute("aria-label") ?? heard?.textContent ?? "").replace(/\s+/g, " ").trim();
    };
    return {
      summary: text(main.querySelector("h2")),
      headlines: [...main.querySelectorAll("[data-headline] h3")].map(text),
    };
  });
}

for (const [recording, path, headlines] of [
  ["ordinary", "/", ["CPU", "Memory", "Disk", "Network", "Pressure"]],
  ["ordinary", "/processes", ["CPU", "Memory", "Disk", "Network", "Pressure"]],
  ["huge", "/?all=disk", ["CPU", "Memory", "Disk", "Network", "Pressure"]],
  ["small", "/", ["CPU", "Memory", "Disk", "Network"]],
] as [Recording, string, string[]][]) {
  test(`headings on ${path} of the ${recording} host tell its state`, { tag: "@nojs" }, async ({ launch, overview }) => {
    const server = await launch({ recording });
    await overview.open(new URL(path, server.url).href);
    const state = await stateByHeadings(overview);
    expect(state.headlines.map((heading) => heading.split(":")[0])).toEqual(headlines);
    for (const heading of state.headlines) expect(heading).toMatch(/^\w+: [\d.]+(%| ?\S*B\/s), (fine|high|critical)$/);
    const troubles = state.headlines
      .map((heading) => heading.replace(/:.*, /, " "))
      .filter((heading) => !heading.endsWith(" fine"));
    const expected = troubles.length > 0 ? troubles.join(", ") : "all is well";
    expect(state.summary).toBe(`State of the machine: ${expected}`);
  });
}

test("headings follow the machine", { tag: "@once" }, async ({ overview }) => {
  await overview.openLive();
  const before = await stateByHeadings(overview);
  await expect.poll(() => stateByHeadings(overview), { timeout: 30_000, intervals: [250] }).not.toEqual(before);
});

test("every figure says what it shows", { tag: "@nojs" }, async ({ launch, overview }) => {
  for (const recording of ["ordinary", "huge", "small"] as const) {
    const server = await launch({ recording });
    await overview.open(server.url);
    const figures = await overview.page.locator("main figure").evaluateAll((all) =>
      all.map((figure) => ({
        name: document.getElementById(figure.getAttribute("aria-labelledby") ?? "")?.textContent ?? "",
        words: document.getElementById(figure.querySelector("[aria-describedby]")?.getAttribute("aria-describedby") ?? "")?.textContent ?? "",
        // A list of devices or of figures is text itself.
        isText: figure.querySelector("table[aria-labelledby] tbody tr, dl") !== null && !figure.matches(".chart"),
      })),
    );
    expect(figures.length).toBeGreaterThan(10);
    for (const { name, words, isText } of figures) {
      expect(name.trim()).not.toBe("");
      if (!isText) expect(words).toMatch(/^.+, last .*: .*\d.*\.$|: nothing was recorded in the last/);
    }
  }
});

test("the header, as it is read", async ({ overview }) => {
  await overview.openLive();
  await expect(overview.banner).toMatchAriaSnapshot(`
    - banner:
      - heading "harbour" [level=1]
      - list:
        - listitem: /Debian GNU/
        - listitem: /^up \\d+ (d|h|min|s)\\b/
      - navigation "Pages":
        - link "Overview":
          - /url: ./
        - link "Processes":
          - /url: processes
      - status: Live
      - button "Pause"
      - group "Theme":
        - button "System" [pressed]
        - button "Light" [pressed=false]
        - button "Dark" [pressed=false]
      - button "Keys"
  `);
});

test("the headlines, as they are read", { tag: "@nojs" }, async ({ overview }) => {
  await overview.open();
  await expect(overview.main).toMatchAriaSnapshot(`
    - region /^State of the machine. /:
      - heading /^State of the machine. (all is well|.*(high|critical).*)$/ [level=2]
      - article:
        - 'heading /^CPU: .*%, (fine|high|critical)$/ [level=3]'
        - paragraph: /^(fine|high|critical)$/
        - paragraph: /^[\\d.]+%$/
        - paragraph: /^load \\d/
      - article:
        - 'heading /^Memory: .*%, (fine|high|critical)$/ [level=3]'
        - paragraph: /^(fine|high|critical)$/
        - paragraph: /^[\\d.]+%$/
        - paragraph: /available$/
      - article:
        - 'heading /^Disk: .*%, (fine|high|critical)$/ [level=3]'
      - article:
        - 'heading /^Network: .*B\\/s, (fine|high|critical)$/ [level=3]'
      - article:
        - 'heading /^Pressure: .*%, (fine|high|critical)$/ [level=3]'
  `);
});

test("a chart, as it is read", { tag: "@nojs" }, async ({ overview }) => {
  await overview.open();
  await expect(overview.chart("memory")).toMatchAriaSnapshot(`
    - figure "Memory":
      - heading "Memory" [level=3]
      - 'slider "Memory: instant"'
      - list:
        - listitem: /^used [\\d.]+ GiB$/
        - listitem: /^buffers [\\d.]+ MiB$/
        - listitem: /^cached [\\d.]+ GiB$/
        - listitem: /^free [\\d.]+ GiB$/
      - paragraph: /^Memory, last 5 minutes. used now .*, of 16.0 GiB in all\\. used /
      - group: Table
  `);
});

test("a list of devices, as it is read", { tag: ["@once", "@nojs"] }, async ({ launch, overview }) => {
  const server = await launch({ recording: "huge" });
  await overview.open(server.url);
  await expect(overview.list("disk")).toMatchAriaSnapshot(`
    - figure /^Disks. the busiest 8 of 40$/:
      - heading /^Disks. the busiest 8 of 40$/ [level=3]
      - link "All 40 disks":
        - /url: "?all=disk"
      - table /^Disks. the busiest 8 of 40$/:
        - rowgroup:
          - row "Name busy read written wait":
            - columnheader "Name"
            - columnheader "busy"
            - columnheader "read"
            - columnheader "written"
            - columnheader "wait"
        - rowgroup:
          - row /^sdc [\\d.]+% /:
            - rowheader "sdc":
              - link "sdc":
                - /url: "?device=disk.sdc"
            - cell /^[\\d.]+%$/
            - cell /^[\\d.]+ ([KMG]i)?B/
            - cell /^[\\d.]+ ([KMG]i)?B/
            - cell /^[\\d.]+ ms$/
  `);
});

test("the list of processes, as it is read", { tag: ["@mouse", "@nojs"] }, async ({ processes }) => {
  await processes.open();
  await expect(processes.main).toMatchAriaSnapshot(`
    - region "Processes":
      - heading "Processes" [level=2]
      - search:
        - searchbox "Find"
      - navigation "Sort by":
        - link "CPU"
        - link "Memory"
        - link "I/O"
      - paragraph: /processes, at \\d\\d:\\d\\d:\\d\\d$/
  `);
  await expect(processes.table).toMatchAriaSnapshot(`
    - table:
      - rowgroup:
        - row "Name PID User CPU Memory Read Written Threads Running for"
      - rowgroup:
        - row /^\\S+ \\d+ \\S+ [\\d.]+% [\\d.]+ [KMG]iB /:
          - rowheader
          - cell /^\\d+$/
  `);
});
