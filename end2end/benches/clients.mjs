// Whether client libraries read the same events from one stream; two of them from PyPI, in a folder of their own.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { launchOptions } from "../fixtures/chromium.mjs";
import { launch } from "../fixtures/launch.mjs";
import { byCommand, byCurl, byPackage, NAMES, ownIds } from "../fixtures/readers.mjs";
import write from "../recordings/write.mjs";
import { fileURLToPath } from "node:url";

/**
 * @typedef {import("../fixtures/sse.mjs").Told} Told
 * @typedef {import("../fixtures/readers.mjs").Wanted} Wanted
 */

const SAMPLES = 200;
const PACKAGES = ["httpx==0.28.1", "httpx-sse==0.4.3", "sseclient-py==1.9.0", "requests==2.32.5"];
const TELL = "import json,sys\ndef tell(e): print(json.dumps({'event':e.event,'id':e.id or '','data':e.data}),flush=True)\n";
const HTTPX = `${TELL}import httpx
from httpx_sse import connect_sse
with httpx.Client(trust_env=False,timeout=60) as client:
    with connect_sse(client,'GET',sys.argv[1],headers=json.loads(sys.argv[2])) as source:
        for event in source.iter_sse(): tell(event)
`;
const SSECLIENT = `${TELL}import requests,sseclient
session=requests.Session(); session.trust_env=False
answer=session.get(sys.argv[1],stream=True,timeout=60,headers={'Accept':'text/event-stream',**json.loads(sys.argv[2])})
for event in sseclient.SSEClient(answer).events(): tell(event)
`;

write();
const home = mkdtempSync(join(tmpdir(), "telltale-clients-"));
const recording = fileURLToPath(new URL("../.recordings/ordinary.jsonl", import.meta.url));
const args = ["--listen", "127.0.0.1:0", "--memory-only", "--source", `replay:${recording}?lead=10m`];
const { process: server, url } = await launch(home, args);
const browser = await chromium.launch(launchOptions);
let differing = 0;
try {
  const python = join(home, "venv/bin/python");
  execFileSync("python3", ["-m", "venv", join(home, "venv")]);
  execFileSync(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES], { stdio: "inherit" });

  const { first, last } = await someTime();
  console.log(`${"client".padEnd(36)}${"asked as".padEnd(12)}${"events".padStart(7)}  `);
  for (const query of ["", "&as=message"]) {
    const wanted = { url: `${url}/api/v1/stream?client=same&last_event_id=${first}${query}`, last };
    const expected = await byCurl(wanted, true);
    /** @type {[string, () => Promise<Told[]>][]} */
    const clients = [
      ["curl", async () => expected],
      ["curl --compressed", () => byCurl(wanted, false)],
      ["Chromium EventSource", () => byBrowser(wanted)],
      ["npm eventsource, plain", () => byPackage(wanted, true)],
      ["npm eventsource, compressed", () => byPackage(wanted, false)],
      ["PyPI httpx-sse, plain", () => byPython(python, HTTPX, wanted, true)],
      ["PyPI httpx-sse, compressed", () => byPython(python, HTTPX, wanted, false)],
      ["PyPI sseclient-py, plain", () => byPython(python, SSECLIENT, wanted, true)],
      ["PyPI sseclient-py, compressed", () => byPython(python, SSECLIENT, wanted, false)],
    ];
    for (const [name, read] of clients) {
      const told = await read().catch((/** @type {Error} */ error) => error);
      const verdict = told instanceof Error ? told.message : compared(told, expected);
      if (verdict !== "equal") differing += 1;
      const count = told instanceof Error ? "" : String(told.length);
      console.log(`${name.padEnd(36)}${(query === "" ? "events" : "messages").padEnd(12)}${count.padStart(7)}  ${verdict}`);
    }
  }
} finally {
  await browser.close();
  server.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
}
process.exit(differing === 0 ? 0 : 1);

/** Two ids with so many samples from the one to the other, once that many are there. */
async function someTime() {
  for (;;) {
    const answer = await fetch(`${url}/api/v1/sample`);
    const { id } = answer.ok ? await answer.json() : { id: "0-0" };
    const [era, t] = id.split("-");
    const before = (/** @type {number} */ ticks) => `${era}-${Number(t) - ticks * 1_000}`;
    if (Date.now() - Number(t) < 2_500) return { first: before(SAMPLES + 10), last: before(10) };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * @param {Told[]} told
 * @param {Told[]} expected
 */
function compared(told, expected) {
  const index = Math.max(told.length, expected.length);
  for (let at = 0; at < index; at += 1) {
    const [one, other] = [told[at], expected[at]].map((event) => JSON.stringify(event)?.slice(0, 80));
    if (JSON.stringify(told[at]) !== JSON.stringify(expected[at])) return `differs at event ${at}: ${one}, not ${other}`;
  }
  return "equal";
}

/**
 * @param {Wanted} wanted
 * @returns {Promise<Told[]>}
 */
async function byBrowser({ url: address, last }) {
  const page = await browser.newPage();
  await page.goto(url);
  const told = await page.evaluate(
    ({ address, last, names }) =>
      new Promise((/** @type {(told: Told[]) => void} */ resolve) => {
        const source = new EventSource(address);
        /** @type {Told[]} */
        const told = [];
        for (const name of names) {
          source.addEventListener(name, (/** @type {MessageEvent<string>} */ { data, lastEventId }) => {
            told.push({ event: name, id: lastEventId, data });
            if (lastEventId !== last) return;
            source.close();
            resolve(told);
          });
        }
      }),
    { address, last, names: NAMES },
  );
  await page.close();
  return ownIds(told);
}

/**
 * @param {string} python
 * @param {string} program
 * @param {Wanted} wanted
 * @param {boolean} isPlain
 */
async function byPython(python, program, { url: address, last }, isPlain) {
  const headers = JSON.stringify({ "Accept-Encoding": isPlain ? "identity" : "gzip" });
  let rest = "";
  const read = (/** @type {string} */ text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    return lines.map((line) => /** @type {Told} */ (JSON.parse(line)));
  };
  return ownIds(await byCommand(python, ["-c", program, address, headers], last, read));
}
