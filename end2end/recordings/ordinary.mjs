// Fifteen minutes of a small server: idle, a compilation, quiet, a backup, idle again.

import { chance } from "./chance.mjs";
import { GIB, KIB, MIB, START, catalogOf, rounded } from "./families.mjs";
import { programs, residents, servicesOf } from "./household.mjs";
import { SCAN_SECONDS, crowd } from "./processes.mjs";

const CORES = 4;
const MEMORY = 16 * GIB;
const SECONDS = 900;

/**
 * The same without the families that are read less than every second: a replay of those begins at their tick and so up
 * to ten seconds in the past, and a restart would hide what it should show.
 * @returns {import("./families.mjs").Recording}
 */
export function brisk() {
  const { head, samples, tables } = ordinary();
  const catalog = head.catalog.filter(({ interval_ms }) => interval_ms === 1000);
  const kept = new Set(["t", ...catalog.map(({ id }) => id)]);
  return {
    head: { ...head, catalog },
    samples: samples.map((sample) => {
      const entries = Object.entries(sample).filter(([id]) => kept.has(id));
      return /** @type {import("./families.mjs").Sample} */ (Object.fromEntries(entries));
    }),
    tables,
  };
}

/** How busy the machine is with each thing in a second of the recording, from 0 to 1. */
function phase(/** @type {number} */ second) {
  const during = (/** @type {number} */ from, /** @type {number} */ to) =>
    Math.max(0, Math.min((second - from) / 8, 1, (to - second) / 5));
  return { compile: during(250, 470), backup: during(560, 760) };
}

const disks = ["nvme0n1", "sda"];
const mounts = [
  { at: "/", size: 64 * GIB, used: 23 * GIB },
  { at: "/home", size: 512 * GIB, used: 391 * GIB },
];
const nets = ["eth0", "wg0"];

/** @type {import("./families.mjs").Head} */
const head = {
  host: {
    name: "harbour",
    os: "Debian GNU/Linux 12 (bookworm)",
    kernel: "6.1.0-28-amd64",
    architecture: "x86_64",
    cpu_model: "Intel(R) N100",
    cpu_count: CORES,
    memory_bytes: MEMORY,
    booted_at: START - 12 * 86_400_000,
  },
  catalog: catalogOf({
    cores: CORES,
    disks,
    mounts: mounts.map(({ at }) => at),
    nets,
    services: residents,
    temperatures: [["coretemp_package", "CPU package"], ["nvme0", "nvme0"], ["sda", "sda"]],
  }),
};

/** @returns {import("./families.mjs").Recording} */
export function ordinary() {
  const random = chance(7);
  // Of its own, so that what joins the recording later leaves the figures before it as they are.
  const joined = chance(8);
  const services = servicesOf(9);
  const scan = crowd(programs, { bootedAt: START - 12 * 86_400_000, seed: 10 });
  let warmth = [43, 38, 33];
  let load = [0.4, 0.6, 0.5];
  let cached = 6.2 * GIB;
  const samples = Array.from({ length: SECONDS }, (_, second) => {
    const { compile, backup } = phase(second);
    const noisy = (/** @type {string} */ name, /** @type {number} */ value, spread = 0.5) =>
      value * random.wander(name, spread);

    const user = Math.min(88, noisy("user", 2.5 + 70 * compile + 8 * backup, 0.25));
    const system = Math.min(98 - user, noisy("system", 1.2 + 9 * compile + 7 * backup));
    const iowait = Math.min(99 - user - system, noisy("iowait", 0.3 + 2 * compile + 14 * backup, 0.9));
    const cpu = [user, noisy("nice", 0.2), system, iowait, 0, noisy("softirq", 0.1 + 0.8 * backup), 0];
    const busy = cpu.reduce((sum, part) => sum + part, 0) - iowait;
    const cores = Array.from({ length: CORES }, (_, core) =>
      Math.min(100, noisy(`core${core}`, busy * (core === 0 ? 1.15 : 0.95), 0.4)),
    );
    const running = Math.max(1, Math.round((busy / 100) * CORES + 3 * compile * random.next()));
    const blocked = Math.round(backup * 2 * random.next());
    load = load.map((average, index) => average + (running + blocked - 0.7 - average) / (60 * ([1, 5, 15][index] ?? 1)));

    cached = Math.min(9 * GIB, cached + backup * 9 * MIB + compile * 3 * MIB);
    const used = noisy("used", 3.1 * GIB + 2.4 * GIB * compile, 0.02);
    const buffers = 310 * MIB;
    const free = MEMORY - used - buffers - cached;
    const stalled = noisy("pressure io", 0.1 + 26 * backup, 0.6);
    const swapUsed = 180 * MIB + Math.round(second / 30) * 128 * KIB;

    const backupRate = backup * 92 * MIB;
    /** @type {Record<string, [number, number]>} */
    const disk = {
      nvme0n1: [noisy("nvme read", 30 * KIB + compile * 6 * MIB), noisy("nvme write", 220 * KIB + compile * 24 * MIB)],
      sda: [noisy("sda read", backupRate, 0.3), random.once(0.2) ? noisy("sda write", 60 * KIB) : 0],
    };
    const outward = noisy("out", 4 * KIB + backup * 11 * MIB, 0.3);
    const inward = noisy("in", 9 * KIB + backup * 210 * KIB + (random.once(0.03) ? 3 * MIB : 0));

    /** @type {import("./families.mjs").Sample} */
    const sample = {
      t: START + second * 1000,
      cpu,
      "cpu.cores": cores,
      load: [...load],
      tasks: [running, blocked, 214 + Math.round(18 * compile)],
      processes: [joined.wander("started", 0.8) * (1.4 + 46 * compile + 2 * backup)],
      interrupts: [
        noisy("switches", 900 + 9000 * compile + 14_000 * backup),
        noisy("interrupts", 600 + 3500 * compile + 9000 * backup),
      ],
      memory: [used, buffers, cached, free],
      "memory.available": [free + cached * 0.92 + buffers],
      swap: [swapUsed, 2 * GIB - swapUsed],
      "swap.io": [0, second % 30 === 0 ? 128 * KIB : 0],
      "pressure.cpu": [noisy("pressure cpu", 0.4 + 31 * compile, 0.6), 0],
      "pressure.memory": [compile > 0.9 && random.once(0.1) ? 1.4 : 0, 0],
      "pressure.io": [stalled, stalled * 0.6],
      tcp: [
        Math.round(23 + 9 * joined.wander("established", 0.3) + 2 * backup),
        joined.once(0.03 + 0.4 * backup) ? 3 * joined.next() : 0,
        joined.once(0.02) ? 1 : 0,
      ],
      self: [
        noisy("self cpu", 0.25),
        noisy("self memory", 19 * MIB, 0.01),
        1 + Math.round(backup),
        noisy("self sent", 900),
        0,
        noisy("late", 0.6),
      ],
    };
    for (const [name, [read, written]] of Object.entries(disk)) {
      const spinning = name === "sda" ? 6 : 0.12;
      sample[`disk.${name}.io`] = [read, written];
      sample[`disk.${name}.ops`] = [read / (96 * KIB), written / (24 * KIB)];
      sample[`disk.${name}.latency`] = [
        read > 0 ? noisy(`${name} read latency`, spinning) : 0,
        written > 0 ? noisy(`${name} write latency`, spinning * 2) : 0,
      ];
      const util = name === "sda" ? noisy("sda util", 84 * backup + 0.2, 0.2) : noisy("nvme util", 0.4 + 11 * compile);
      sample[`disk.${name}.util`] = [Math.min(100, util)];
    }
    if (second % 10 === 0) {
      for (const { at, size, used: before } of mounts) {
        const now = before + (at === "/" ? second * 180 * KIB * (compile > 0 ? 4 : 1) : second * 20 * KIB);
        const reserved = size * 0.05;
        sample[`fs.${at}.space`] = [now, reserved, size - reserved - now];
        sample[`fs.${at}.inodes`] = [Math.round(now / (48 * KIB)), Math.round((size - now) / (16 * KIB))];
      }
    }
    if (second % 5 === 0) Object.assign(sample, Object.fromEntries(services({ compile, backup })));
    const heat = [28 * compile + 7 * backup, 3 + 12 * compile, 8 * backup];
    warmth = warmth.map((degrees, index) => degrees + (([43, 38, 33][index] ?? 0) + (heat[index] ?? 0) - degrees) / 25);
    if (second % 10 === 0) {
      // The kernel tells whole degrees of most sensors.
      sample.temperature = warmth.map((degrees) => Math.round(degrees));
      const mean = (0.8 + 2.1 * Math.min(1, busy / 60)) * joined.wander("frequency", 0.1) * 1e9;
      sample["cpu.frequency"] = [Math.min(3.1e9, mean), Math.min(3.4e9, mean * 1.12 + 0.2e9)];
    }
    /** @type {Record<string, [number, number]>} */
    const net = { eth0: [inward, outward], wg0: [inward * 0.2, outward * 0.04] };
    for (const [name, [received, sent]] of Object.entries(net)) {
      sample[`net.${name}.traffic`] = [received, sent];
      sample[`net.${name}.packets`] = [received / 700, sent / 1100];
      sample[`net.${name}.errors`] = [0, 0, name === "eth0" && random.once(0.01) ? 2 : 0, 0];
    }
    return sample;
  });
  const tables = Array.from({ length: SECONDS / SCAN_SECONDS }, (_, index) =>
    scan(START + index * SCAN_SECONDS * 1000, phase(index * SCAN_SECONDS)),
  );
  return { head, samples: rounded(samples, head.catalog), tables };
}
