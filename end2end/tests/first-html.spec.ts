// What `curl` sees: the whole page, in the first answer, small.

import { raw } from "../fixtures/raw.mjs";
import { expect, test } from "../fixtures/test.ts";

test.describe("the first HTML", { tag: "@once" }, () => {
  test("holds at least twelve charts with lines, and the current numbers", async ({ request }) => {
    const html = await (await request.get("/")).text();
    const figures = html.match(/<figure[^>]*data-family[\s\S]*?<\/figure>/g) ?? [];
    const drawn = figures.filter((figure) => (figure.match(/<path[^>]*>/g) ?? []).some((path) => / d="M[^"]{20,}"/.test(path) && / class="line /.test(path)));
    expect(drawn.length).toBeGreaterThanOrEqual(12);
    const valued = figures.filter((figure) => /<span[^>]*class="value"[^>]*>\s*-?\d/.test(figure));
    expect(valued.length).toBeGreaterThanOrEqual(12);
    const headlines = html.match(/<article[^>]*data-headline[\s\S]*?<\/article>/g) ?? [];
    expect(headlines).toHaveLength(5);
    for (const headline of headlines) expect(headline).toMatch(/<b[^>]*>\d/);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("names the host first, in title and heading", async ({ request }) => {
    const html = await (await request.get("/")).text();
    expect(html).toMatch(/<title>harbour\b/);
    expect(html).toMatch(/<h1[^>]*>harbour/);
  });

  test("is at most 25 KB in brotli, whatever is drawn", async ({ launch }) => {
    test.setTimeout(120_000);
    // What can be packed least is what moves most: the ends of the compilation and of the backup are in these.
    for (const lead of ["900s", "1200s", "1360s", "1452s", "1740s"] as const) {
      const telltale = await launch({ lead });
      await telltale.caughtUp();
      const { headers, body } = await raw(telltale.url, { "accept-encoding": "br" });
      expect(headers["content-encoding"]).toBe("br");
      expect(body.length, lead).toBeLessThanOrEqual(25_000);
    }
  });

  test("draws only within the box and in whole numbers", async ({ request }) => {
    const html = await (await request.get("/")).text();
    const paths = [...html.matchAll(/\sd="([^"]*)"/g)].map((match) => match[1] ?? "");
    expect(paths.length).toBeGreaterThan(12);
    for (const path of paths) expect(path).toMatch(/^[A-Za-z0-9 ,-]*$/);
  });

  test("is not kept by caches, its parts for good", async ({ request, telltale }) => {
    test.skip(/debug/.test(process.env.TELLTALE_BIN ?? ""), "a debug build serves its parts from the site folder");
    const page = await request.get("/");
    expect(page.headers()["cache-control"]).toMatch(/no-store|no-cache/);
    const parts = (await page.text()).matchAll(/(?:href|src)="([^"]+\.(?:css|js|wasm))"/g);
    const names = new Set([...parts].map((match) => match[1] ?? ""));
    for (const kind of ["js", "wasm"]) expect([...names].some((name) => name.endsWith(`.${kind}`)), kind).toBe(true);
    for (const part of names) {
      const answer = await raw(new URL(part, telltale.url).href, { "accept-encoding": "br" });
      expect(answer.status, part).toBe(200);
      expect(answer.headers["cache-control"], part).toContain("immutable");
      expect(answer.headers["content-encoding"], part).toBe("br");
    }
  });

  test("comes with a strict policy for scripts", async ({ request }) => {
    const policy = (await request.get("/")).headers()["content-security-policy"] ?? "";
    const scripts = /script-src [^;]*/.exec(policy)?.[0] ?? "";
    expect(scripts).toMatch(/'nonce-|'sha256-|'self'/);
    expect(policy).not.toMatch(/'unsafe-inline'|'unsafe-eval'/);
  });
});
