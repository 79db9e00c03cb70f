// What the page weighs: its own files, and its first HTML of twelve charts, an ordinary and a huge host.

import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { raw } from "../fixtures/raw.mjs";
import { huge } from "../recordings/huge.mjs";
import { ordinary } from "../recordings/ordinary.mjs";
import { LIMIT, weigh } from "../weigh.mjs";
import { bench } from "./shared/bench.mjs";
import { table, verdict } from "./shared/figures.mjs";
import { few } from "./shared/recordings.mjs";
import { startReplay } from "./shared/telltale.mjs";

const HTML_LIMIT_KB = 25;

await bench({}, async (_, later) => {
  const files = weigh(fileURLToPath(new URL("../../target/site/pkg", import.meta.url)));
  const total = files.reduce((sum, { brotli }) => sum + brotli, 0);
  table(["own files", "bytes", "brotli"], files.map(({ name, bytes, brotli }) => [name, bytes, brotli]));
  console.log();

  const hosts = { "twelve charts": few(12), "ordinary host": ordinary(), "huge host": huge() };
  const pages = [];
  for (const [name, recording] of Object.entries(hosts)) {
    const { url } = await startReplay(later, recording, "lead=10m");
    const { headers, body } = await raw(url, { "accept-encoding": "br" });
    if (headers["content-encoding"] !== "br") throw new Error("the page is not sent in brotli");
    const html = brotliDecompressSync(body).toString();
    const charts = html.match(/<figure[^>]*data-family=/g)?.length ?? 0;
    pages.push({ name, charts, bytes: html.length, brotli: body.length });
  }
  table(
    ["first HTML, as served", "figures", "bytes", "brotli"],
    pages.map(({ name, charts, bytes, brotli }) => [name, charts, bytes, brotli]),
  );

  console.log("\nRivals, published: Glances 149 KB (no charts), Beszel 259 KB and a font of 346 KB; their HTML is empty.");
  verdict("JS, wasm and CSS in brotli", total / 1000, LIMIT / 1000, " KB");
  for (const { name, brotli } of pages) verdict(`HTML of ${name} in brotli`, brotli / 1000, HTML_LIMIT_KB, " KB");
});
