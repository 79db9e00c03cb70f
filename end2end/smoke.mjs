// A first look at a build without a browser: `node smoke.mjs [BINARY]`. It starts, serves, streams and stops.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import write from "./recordings/write.mjs";

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));
const binary = process.argv[2] ?? process.env.TELLTALE_BIN ?? path("../target/release/telltale");
write();

const source = `replay:${path(".recordings/ordinary.jsonl")}?lead=10m`;
const child = spawn(binary, ["--listen", "127.0.0.1:0", "--source", source], { stdio: ["ignore", "pipe", "inherit"] });
try {
  const [line] = await once(createInterface({ input: child.stdout }), "line", { signal: AbortSignal.timeout(20_000) });
  const origin = /^listening on (http:\/\/\S+)$/.exec(line)?.[1] ?? assert.fail(`its first line is ${line}`);
  console.log("starts:", line);

  const html = await (await fetch(origin)).text();
  const lines = html.match(/class="line[^"]*"[^>]*\sd="M[^"]{20,}"/g) ?? [];
  assert.ok(lines.length >= 12, `${lines.length} lines are drawn in the first HTML`);
  console.log(`serves: ${html.length} characters of HTML with ${lines.length} lines`);

  const routes = ["/healthz", "/readyz", "/api/v1/host", "/api/v1/catalog", "/api/v1/sample", "/api/v1/openapi.json"];
  for (const route of routes) assert.equal((await fetch(origin + route)).status, 200, route);

  const last = /data-last-event-id="([^"]+)"/.exec(html)?.[1];
  const stream = await fetch(`${origin}/api/v1/stream?last_event_id=${last}`, { signal: AbortSignal.timeout(15_000) });
  assert.match(stream.headers.get("content-type") ?? "", /^text\/event-stream/);
  const body = stream.body ?? assert.fail("the stream has no body");
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while ((text.match(/^event: sample$/gm) ?? []).length < 3) text += (await reader.read()).value ?? assert.fail(text);
  const ticks = [...text.matchAll(/^id: ?\d+-(\d+)$/gm)].map((match) => Number(match[1]));
  assert.deepEqual(ticks, ticks.map((_, index) => Number(last?.split("-")[1]) + (index + 1) * 1000));
  console.log(`streams: ${ticks.length} samples, from the one after the HTML's last`);

  child.kill("SIGTERM");
  const [code] = await once(child, "exit", { signal: AbortSignal.timeout(2_000) });
  assert.equal(code, 0, "exit code after SIGTERM");
  while (!/^event: bye$/m.test(text)) text += (await reader.read()).value ?? assert.fail("it ended without a bye");
  console.log("stops: within 2 s, exit code 0, with a goodbye");
} finally {
  child.kill("SIGKILL");
}
