// Fifteen minutes of a small server: idle, a compilation, quiet, a backup, idle again.

import { chance } from "./chance.mjs";

/**
 * @typedef {{ id: string, label: string, unit?: string }} Dimension
 * @typedef {{ id: string, title: string, unit: string, stacked: boolean, interval_ms: number, dimensions: Dimension[] }} Family
 * @typedef {{ host: Record<string, unknown>, catalog: Family[] }} Head
 * @typedef {{ t: number, [family: string]: number | (number | null)[] }} Sample
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const CORES = 4;
const MEMORY = 16 * GIB;
const START = 1_795_235_700_000;
const SECONDS = 900;

/**
 * The same without the families that are read every ten seconds: a replay of those begins at their tick and so up to
 * ten seconds in the past, and a restart would hide what it should show.
 */
export function brisk() {
  const { head, samples } = ordinary();
  const isBrisk = (/** @type {string} */ id) => !id.startsWith("fs.");
  return {
    head: { ...head, catalog: head.catalog.filter(({ id }) => isBrisk(id)) },
    samples: samples.map((sample) => Object.fromEntries(Object.entries(sample).filter(([id]) => isBrisk(id)))),
  };
}

/** How busy the machine is with each thing in a second of the recording, from 0 to 1. */
function phase(/** @type {number} */ second) {
  const during = (/** @type {number} */ from, /** @type {number} */ to) =>
    Math.max(0, Math.min((second - from) / 8, 1, (to - second) / 5));
  return { compile: during(250, 470), backup: during(560, 760) };
}

/**
 * @param {string} id
 * @param {string} title
 * @param {string} unit
 * @param {(string | [string, string])[]} dimensions an id that is its own label, or an id and a label
 * @param {{ stacked?: boolean, every?: number }} [options] `every` is in seconds
 */
export function family(id, title, unit, dimensions, { stacked = false, every = 1 } = {}) {
  return {
    id,
    title,
    unit,
    stacked,
    interval_ms: every * 1000,
    dimensions: dimensions.map((dimension) => {
      const [name, label] = typeof dimension === "string" ? [dimension, dimension] : dimension;
      return { id: name, label };
    }),
  };
}

const disks = ["nvme0n1", "sda"];
const mounts = [
  { at: "/", size: 64 * GIB, used: 23 * GIB },
  { at: "/home", size: 512 * GIB, used: 391 * GIB },
];
const nets = ["eth0", "wg0"];

/** @type {Head} */
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
  catalog: [
    family("cpu", "CPU", "%", ["user", "nice", "system", "iowait", "irq", "softirq", "steal"], { stacked: true }),
    family("cpu.cores", "CPU cores", "%", [["0", "core 0"], ["1", "core 1"], ["2", "core 2"], ["3", "core 3"]]),
    family("load", "Load", "", [["load1", "1 min"], ["load5", "5 min"], ["load15", "15 min"]]),
    family("tasks", "Tasks", "", ["running", "blocked", "total"]),
    family("interrupts", "Interrupts", "/s", [["context_switches", "context switches"], "interrupts"]),
    family("memory", "Memory", "bytes", ["used", "buffers", "cached", "free"], { stacked: true }),
    family("memory.available", "Memory available", "bytes", ["available"]),
    family("swap", "Swap", "bytes", ["used", "free"], { stacked: true }),
    family("swap.io", "Swap traffic", "bytes/s", ["in", "out"]),
    family("pressure.cpu", "CPU pressure", "%", ["some", "full"]),
    family("pressure.memory", "Memory pressure", "%", ["some", "full"]),
    family("pressure.io", "I/O pressure", "%", ["some", "full"]),
    ...disks.flatMap((disk) => [
      family(`disk.${disk}.io`, `${disk} traffic`, "bytes/s", ["read", "written"]),
      family(`disk.${disk}.ops`, `${disk} operations`, "/s", ["reads", "writes"]),
      family(`disk.${disk}.latency`, `${disk} latency`, "ms", ["read", "write"]),
      family(`disk.${disk}.util`, `${disk} utilisation`, "%", ["util"]),
    ]),
    ...mounts.flatMap(({ at }) => [
      family(`fs.${at}.space`, `${at} space`, "bytes", ["used", "reserved", "free"], { stacked: true, every: 10 }),
      family(`fs.${at}.inodes`, `${at} inodes`, "", ["used", "free"], { stacked: true, every: 10 }),
    ]),
    ...nets.flatMap((net) => [
      family(`net.${net}.traffic`, `${net} traffic`, "bytes/s", ["received", "sent"]),
      family(`net.${net}.packets`, `${net} packets`, "/s", ["received", "sent"]),
      family(`net.${net}.errors`, `${net} errors`, "/s", [
        "received", "sent", ["received_dropped", "received, dropped"], ["sent_dropped", "sent, dropped"],
      ]),
    ]),
    {
      ...family("self", "Telltale", "", []),
      dimensions: [
        { id: "cpu", label: "CPU", unit: "%" },
        { id: "memory", label: "memory", unit: "bytes" },
        { id: "streams", label: "streams" },
        { id: "sent", label: "sent", unit: "bytes/s" },
        { id: "written", label: "written", unit: "bytes/s" },
        { id: "lateness", label: "lateness", unit: "ms" },
      ],
    },
  ],
};

/** @returns {{ head: Head, samples: Sample[] }} */
export function ordinary() {
  const random = chance(7);
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

    /** @type {Sample} */
    const sample = {
      t: START + second * 1000,
      cpu,
      "cpu.cores": cores,
      load: [...load],
      tasks: [running, blocked, 214 + Math.round(18 * compile)],
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
    /** @type {Record<string, [number, number]>} */
    const net = { eth0: [inward, outward], wg0: [inward * 0.2, outward * 0.04] };
    for (const [name, [received, sent]] of Object.entries(net)) {
      sample[`net.${name}.traffic`] = [received, sent];
      sample[`net.${name}.packets`] = [received / 700, sent / 1100];
      sample[`net.${name}.errors`] = [0, 0, name === "eth0" && random.once(0.01) ? 2 : 0, 0];
    }
    return sample;
  });
  return { head, samples: samples.map((sample) => rounded(sample)) };
}

const units = new Map(
  head.catalog.map(({ id, unit, dimensions }) => [id, dimensions.map((dimension) => dimension.unit ?? unit)]),
);

/** As the sampler does: bytes are whole, everything else has two decimals. */
function rounded(/** @type {Sample} */ sample) {
  const round = (/** @type {string} */ id) => (/** @type {number | null} */ value, /** @type {number} */ index) => {
    const scale = units.get(id)?.[index]?.startsWith("bytes") ? 1 : 100;
    return value === null ? null : Math.round(value * scale) / scale;
  };
  const entries = Object.entries(sample).map(([id, values]) => [
    id,
    Array.isArray(values) ? values.map(round(id)) : values,
  ]);
  return /** @type {Sample} */ (Object.fromEntries(entries));
}
