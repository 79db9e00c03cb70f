// Ten minutes of the smallest machine: one slow core, 256 MB, an SD card, and an upgrade that is too much for it.

import { chance } from "./chance.mjs";
import { GIB, KIB, MIB, START, catalogOf, rounded } from "./families.mjs";
import { SCAN_SECONDS, crowd } from "./processes.mjs";

const MEMORY = 256 * MIB;
const SECONDS = 600;
const BOOTED_AT = START - 41 * 86_400_000;
const SWAP = 128 * MIB;
const CARD = 7 * GIB;

/** @type {import("./families.mjs").Service[]} */
const services = ["cron", "dhcpcd", "mosquitto", "ssh", "telltale", "weather"].map((name) => ({
  kind: "Service",
  name,
}));

/** @type {import("./families.mjs").Head} */
const head = {
  host: {
    name: "attic",
    os: "Raspbian GNU/Linux 12 (bookworm)",
    kernel: "6.6.51+rpt-rpi-v6",
    architecture: "arm",
    cpu_model: "ARMv6-compatible processor rev 7 (v6l)",
    cpu_count: 1,
    memory_bytes: MEMORY,
    booted_at: BOOTED_AT,
  },
  catalog: catalogOf({
    cores: 1,
    disks: ["mmcblk0"],
    mounts: ["/", "/boot/firmware"],
    nets: ["wlan0"],
    services,
    temperatures: [["cpu_thermal", "CPU"]],
    isOld: true,
    hasZram: true,
  }),
};

/**
 * How far the upgrade is on its way, and whether the weather is being read just now, from 0 to 1.
 * @typedef {{ upgrade: number, reading: number }} Phase
 */

/** @returns {Phase} */
function phase(/** @type {number} */ second) {
  const upgrade = Math.max(0, Math.min((second - 300) / 12, 1, (470 - second) / 10));
  return { upgrade, reading: second % 60 < 4 ? 1 : 0 };
}

/** @type {import("./processes.mjs").Program<Phase>[]} */
const programs = [
  { name: "systemd", user: "root", cpu: 0.3, memory: 5 * MIB, isClosed: true },
  { name: "kthreadd", user: "root", isClosed: true },
  { name: "ksoftirqd/0", user: "root", cpu: 0.4, isClosed: true },
  { name: "kswapd0", user: "root", cpu: ({ upgrade }) => 7 * upgrade, isClosed: true },
  { name: "mmc_complete", user: "root", cpu: ({ upgrade }) => 2 * upgrade, isClosed: true },
  { name: "brcmf_wdog/mmc1", user: "root", cpu: 0.6, isClosed: true },
  { name: "kworker/0:{}-events", user: "root", count: 3, cpu: 0.2, isClosed: true },
  { name: "systemd-journal", user: "root", started: 8, cpu: 0.4, memory: 7 * MIB, isClosed: true },
  { name: "systemd-udevd", user: "root", started: 9, memory: 3 * MIB, isClosed: true },
  { name: "systemd-timesyn", user: "systemd-timesync", started: 14, memory: 3 * MIB, threads: 2 },
  { name: "dbus-daemon", user: "messagebus", started: 15, cpu: 0.1, memory: 2 * MIB },
  { name: "cron", user: "root", started: 15, memory: MIB, isClosed: true },
  { name: "wpa_supplicant", user: "root", started: 16, cpu: 0.2, memory: 3 * MIB, isClosed: true },
  { name: "dhcpcd", user: "dhcpcd", started: 18, count: 3, memory: MIB },
  { name: "sshd", user: "root", started: 22, memory: 3 * MIB, isClosed: true },
  { name: "agetty", user: "root", started: 23, memory: MIB, isClosed: true },
  { name: "mosquitto", user: "mosquitto", started: 24, cpu: 0.6, memory: 4 * MIB },
  { name: "python3", user: "pi", started: 26, cpu: ({ reading }) => 1.5 + 38 * reading, memory: 21 * MIB, threads: 3 },
  { name: "telltale", user: "telltale", started: 30, cpu: 2.3, memory: 13 * MIB, threads: 4 },
  {
    name: "unattended-upgr", user: "root", runs: ({ upgrade }) => upgrade > 0, cpu: 12, memory: 58 * MIB, isClosed: true,
  },
  { name: "dpkg", user: "root", runs: ({ upgrade }) => upgrade > 0.5, cpu: 31, memory: 22 * MIB, isClosed: true },
  {
    name: "dpkg-deb", user: "root", isBrief: true, runs: ({ upgrade }) => upgrade > 0.5, cpu: 34, memory: 9 * MIB,
    isClosed: true,
  },
];

/** @returns {import("./families.mjs").Recording} */
export function small() {
  const random = chance(256);
  const noisy = (/** @type {string} */ name, /** @type {number} */ value, spread = 0.5) =>
    value * random.wander(name, spread);
  let load = [0.2, 0.3, 0.2];
  let warmth = 44;
  let swapped = 21 * MIB;
  const samples = Array.from({ length: SECONDS }, (_, second) => {
    const { upgrade, reading } = phase(second);
    const iowait = Math.min(60, noisy("iowait", 0.4 + 31 * upgrade, 0.6));
    const user = Math.min(94 - iowait, noisy("user", 3.5 + 34 * reading + 52 * upgrade, 0.3));
    const system = Math.min(99 - iowait - user, noisy("system", 2.4 + 6 * reading + 11 * upgrade));
    const softirq = Math.min(99.5 - iowait - user - system, noisy("softirq", 0.5));
    const busy = user + system + softirq;
    const running = Math.max(1, Math.round(busy / 60 + upgrade * 2 * random.next()));
    const blocked = random.once(0.6 * upgrade) ? 2 : 0;
    load = load.map((average, index) => average + (running + blocked - 0.8 - average) / (60 * ([1, 5, 15][index] ?? 1)));
    warmth += (44 + 11 * upgrade + 2 * reading - warmth) / 30;

    const swapOut = upgrade > 0.9 && second < 400 ? noisy("swap out", 480 * KIB, 1) : 0;
    swapped = Math.max(21 * MIB, Math.min(SWAP * 0.9, swapped + swapOut - (upgrade > 0 ? 0 : 60 * KIB)));
    const used = noisy("used", 96 * MIB + 82 * MIB * upgrade, 0.02);
    const [buffers, cached] = [6 * MIB, 104 * MIB - 52 * MIB * upgrade];
    const free = MEMORY - used - buffers - cached;
    const read = random.once(0.1 + upgrade) ? noisy("read", 24 * KIB + 3.1 * MIB * upgrade) : 0;
    // Little is written that need not be: a card wears out.
    const written = random.once(0.04 + upgrade) ? noisy("write", 40 * KIB + 1.8 * MIB * upgrade) : 0;
    const received = noisy("received", 700 + 420 * KIB * Math.max(0, upgrade - (second - 300) / 90));

    /** @type {import("./families.mjs").Sample} */
    const sample = {
      t: START + second * 1000,
      cpu: [user, 0, system, iowait, 0, softirq, 0],
      load: [...load],
      "cpu.cores": [busy],
      tasks: [running, blocked, 98 + Math.round(9 * upgrade)],
      processes: [noisy("started", 0.3 + 9 * upgrade, 0.8)],
      interrupts: [noisy("switches", 420 + 2_600 * upgrade), noisy("interrupts", 1_100 + 1_900 * upgrade)],
      memory: [used, buffers, cached, free],
      "memory.available": [free + cached * 0.8],
      swap: [swapped, SWAP - swapped],
      "swap.io": [upgrade > 0.5 && random.once(0.4) ? noisy("swap in", 90 * KIB) : 0, swapOut],
      zram: [swapped, swapped * 0.31],
      "disk.mmcblk0.io": [read, written],
      "disk.mmcblk0.ops": [read / (32 * KIB), written / (12 * KIB)],
      "disk.mmcblk0.latency": [
        read > 0 ? noisy("read latency", 1.4 + 9 * upgrade) : 0,
        written > 0 ? noisy("write latency", 7 + 160 * upgrade) : 0,
      ],
      "disk.mmcblk0.util": [Math.min(100, noisy("util", 0.4 + 91 * upgrade, 0.2))],
      "net.wlan0.traffic": [received, received * 0.12 + 500],
      "net.wlan0.packets": [received / 800, received / 1600 + 2],
      "net.wlan0.errors": [0, 0, random.once(0.02) ? 1 : 0, 0],
      tcp: [3 + Math.round(2 * upgrade), random.once(0.04) ? 1 : 0, 0],
      self: [
        noisy("self cpu", 2.3), noisy("self memory", 13 * MIB, 0.01), 1, noisy("self sent", 700), 0,
        noisy("late", 3 + 40 * upgrade),
      ],
    };
    if (second % 5 === 0) {
      for (const { name } of services) {
        const spent = noisy(name, name === "weather" ? 3.5 + 30 * reading : name === "telltale" ? 2.3 : 0.3);
        sample[`cgroup.${name}.cpu`] = [spent * 0.7, spent * 0.3];
      }
    }
    if (second % 10 === 0) {
      const taken = 4.6 * GIB + upgrade * 90 * MIB;
      sample["fs./.space"] = [taken, CARD * 0.05, CARD * 0.95 - taken];
      sample["fs./.inodes"] = [118_204 + Math.round(900 * upgrade), 341_000 - Math.round(900 * upgrade)];
      sample["fs./boot/firmware.space"] = [74 * MIB, 0, 182 * MIB];
      // FAT has none; what can't be read is not zero.
      sample["fs./boot/firmware.inodes"] = [null, null];
      sample["cpu.frequency"] = busy > 30 ? [1e9, 1e9] : [0.7e9, 0.7e9];
      sample.temperature = [warmth];
    }
    return sample;
  });
  const scan = crowd(programs, { bootedAt: BOOTED_AT, seed: 257 });
  const tables = Array.from({ length: SECONDS / SCAN_SECONDS }, (_, index) =>
    scan(START + index * SCAN_SECONDS * 1000, phase(index * SCAN_SECONDS)),
  );
  return { head, samples: rounded(samples, head.catalog), tables };
}
