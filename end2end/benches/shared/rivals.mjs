// Rivals: what a bench compares with, installed when it is asked for and missing.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endProcess, temporaryFolder } from "./telltale.mjs";

/**
 * The folder of a package from npm, in exactly this version; it is kept apart from what the tests need.
 * @param {string} name
 * @param {string} version
 */
export function npmPackage(name, version) {
  const home = fileURLToPath(new URL(`../.packages/${name}`, import.meta.url));
  const folder = join(home, "node_modules", name);
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest) || JSON.parse(readFileSync(manifest, "utf8")).version !== version) {
    console.log(`Installing ${name} ${version} from npm`);
    mkdirSync(home, { recursive: true });
    const flags = ["--prefix", home, "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    must("npm", ["install", ...flags, `${name}@${version}`], "is the npm registry reachable?");
  }
  return folder;
}

/**
 * Sees to a program of Debian's. Its service is not started, where the system allows that to be said.
 * @param {string} command
 * @param {string} name of its package
 */
export function debianPackage(command, name) {
  if (spawnSync("sh", ["-c", `command -v ${command}`]).status === 0) return;
  const mend = `apt-get update && apt-get install ${name}`;
  if (process.getuid?.() !== 0) throw new Error(`${command} is missing; mend, as root: ${mend}`);
  console.log(`Installing ${name} with apt-get`);
  must("apt-get", ["update", "-qq"], mend);
  // Both are for services: the first where there is no policy, the second where systemd is the judge.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1", SYSTEMD_OFFLINE: "1" };
  must("apt-get", ["install", "-q", "-y", name], mend, env);
}

/** @param {string} command @param {string[]} args @param {string} mend */
function must(command, args, mend, env = process.env) {
  const { status } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"], env });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed; mend: ${mend}`);
}

/** @param {import("./bench.mjs").Later} later */
export async function startNodeExporter(later) {
  debianPackage("prometheus-node-exporter", "prometheus-node-exporter");
  const address = `127.0.0.1:${await freePort()}`;
  return start(later, "prometheus-node-exporter", [`--web.listen-address=${address}`], `http://${address}/metrics`);
}

/** @param {import("./bench.mjs").Later} later */
export async function startNetdata(later) {
  debianPackage("netdata", "netdata");
  const port = await freePort();
  const home = temporaryFolder(later);
  const folder = (/** @type {string} */ name) => {
    mkdirSync(join(home, name), { recursive: true });
    return join(home, name);
  };
  // As Debian ships it, but that it keeps nothing, talks to nobody and listens here only.
  writeFileSync(
    join(folder("config"), "netdata.conf"),
    `[global]
  run as user = ${userInfo().username}
[directories]
  config = ${folder("config")}
  cache = ${folder("cache")}
  lib = ${folder("lib")}
  log = ${folder("log")}
[db]
  mode = ram
  update every = 1
[web]
  bind to = 127.0.0.1
  default port = ${port}
[registry]
  enabled = no
[statsd]
  enabled = no
`,
  );
  writeFileSync(join(folder("config"), ".opt-out-from-anonymous-statistics"), "");
  writeFileSync(join(folder("lib/cloud.d"), "cloud.conf"), "[global]\n  enabled = no\n");
  const args = ["-D", "-c", join(home, "config/netdata.conf"), "-P", join(home, "netdata.pid")];
  return start(later, "netdata", args, `http://127.0.0.1:${port}/`, { DISABLE_TELEMETRY: "1" });
}

/**
 * @param {import("./bench.mjs").Later} later
 * @param {string} command
 * @param {string[]} args
 * @param {string} url that answers once it is up
 */
async function start(later, command, args, url, env = {}) {
  const child = spawn(command, args, { stdio: "ignore", env: { ...process.env, ...env } });
  later(() => endProcess(child));
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${command} ended with exit code ${child.exitCode}`);
    if (await fetch(url).then(({ ok }) => ok, () => false)) return { url, pid: child.pid ?? 0 };
    await sleep(200);
  }
  throw new Error(`${command} does not answer at ${url}`);
}

/** A port that was free a moment ago: rivals can't be told to choose one and say which. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0));
    });
  });
}
