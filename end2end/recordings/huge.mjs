// Five minutes of a very large server, nearly idle but for a few: cores, disks, mounts, services.

import { chance } from "./chance.mjs";
import { GIB, KIB, MIB, START, catalogOf, idPart, rounded } from "./families.mjs";
import { disks, mounts, nets, programs, services, temperatures } from "./fleet.mjs";
import { SCAN_SECONDS, crowd } from "./processes.mjs";

const CORES = 128;
const MEMORY = 1024 * GIB;
const SECONDS = 300;
const BOOTED_AT = START - 143 * 86_400_000;

const hotCores = new Map([[3, 97], [17, 88], [18, 91], [64, 99], [101, 74]]);
/** Utilisation in %, read and written in bytes per second. */
const busyDisks = new Map([
  ["nvme2n1", [62, 1_400 * MIB, 310 * MIB]],
  ["sdc", [97, 4 * MIB, 118 * MIB]],
  ["sdab", [88, 162 * MIB, 0]],
]);
/** How much of a mount is used. */
const fullMounts = new Map([["/var/lib/docker", 0.981], ["/srv/disk/17", 1]]);
/** CPU in % of one core, memory used in bytes, I/O pressure in %. */
const busyServices = new Map([
  ["clickhouse-server", [214, 186 * GIB, 12]],
  ["postgresql@16-main", [131, 92 * GIB, 31]],
  ["docker:transcoder-3", [98, 6 * GIB, 0]],
  ["k8s:search/elasticsearch-data-hot-1/elasticsearch", [77, 31 * GIB, 8]],
  ["k8s:shop/checkout-7d9f8b6c5d-x2k4q/checkout", [64, 3 * GIB, 0]],
]);
/** Received in bytes per second. */
const busyNets = new Map([
  ["bond0", 410 * MIB], ["ens1f0np0", 206 * MIB], ["ens1f1np1", 204 * MIB], ["bond0.120", 380 * MIB],
]);

/** @type {import("./families.mjs").Head} */
const head = {
  host: {
    name: "fjord-db-07.eu-north.example.net",
    os: "Debian GNU/Linux 12 (bookworm)",
    kernel: "6.1.0-28-amd64",
    architecture: "x86_64",
    cpu_model: "AMD EPYC 9754 128-Core Processor",
    cpu_count: CORES,
    memory_bytes: MEMORY,
    booted_at: BOOTED_AT,
  },
  catalog: catalogOf({ cores: CORES, disks, mounts, nets, services, temperatures }),
};

/** @returns {import("./families.mjs").Recording} */
export function huge() {
  const random = chance(128);
  /** What nearly idles, and does a little now and then. */
  const little = (/** @type {number} */ mean) => mean * random.next() * (random.once(0.02) ? 6 : 1);
  const noisy = (/** @type {string} */ name, /** @type {number} */ value, spread = 0.3) =>
    value * random.wander(name, spread);
  /** Of each mount: its size, and how much of it is used. */
  const fills = mounts.map((mount) => ({
    mount,
    size: mount.startsWith("/srv/disk") ? 16_384 * GIB : mount.startsWith("/boot") ? GIB : 512 * GIB,
    used: fullMounts.get(mount) ?? 0.08 + 0.7 * random.next(),
  }));
  const sizes = services.map(() => (8 + 400 * random.next() ** 3) * MIB);
  const warmths = temperatures.map(
    ([id]) => (id.startsWith("nvme") ? 39 : id.startsWith("dimm") ? 44 : 52) + 8 * random.next(),
  );
  const load = [7.4, 7.1, 6.8];

  const samples = Array.from({ length: SECONDS }, (_, second) => {
    const cores = Array.from({ length: CORES }, (_, core) => {
      const hot = hotCores.get(core);
      return hot === undefined ? Math.min(100, little(5)) : Math.min(100, noisy(`core${core}`, hot, 0.1));
    });
    const busy = cores.reduce((sum, core) => sum + core, 0) / CORES;
    const iowait = noisy("iowait", 0.9, 0.5);
    const used = noisy("used", 402 * GIB, 0.004);
    const [buffers, cached] = [3 * GIB, 511 * GIB + second * 24 * MIB];
    const stalled = noisy("pressure io", 2.6, 0.5);

    /** @type {import("./families.mjs").Sample} */
    const sample = {
      t: START + second * 1000,
      cpu: [busy * 0.74, 0.02, busy * 0.21, iowait, 0, busy * 0.05, 0],
      "pressure.cpu": [noisy("pressure cpu", 0.3), 0],
      load: load.map((average, index) => noisy(`load${index}`, average, 0.1 / (1 + index))),
      "cpu.cores": cores,
      tasks: [
        Math.round(noisy("running", 7)), Math.round(noisy("blocked", 2, 0.8)), 6_214 + Math.round(40 * random.next()),
      ],
      processes: [noisy("started", 31)],
      interrupts: [noisy("switches", 214_000), noisy("interrupts", 162_000)],
      memory: [used, buffers, cached, MEMORY - used - buffers - cached],
      "memory.available": [MEMORY - used - 9 * GIB],
      "pressure.memory": [0, 0],
      swap: [0, 32 * GIB],
      "swap.io": [0, 0],
      "pressure.io": [stalled, stalled * 0.2],
      tcp: [Math.round(noisy("established", 8_140, 0.02)), noisy("retransmitted", 11, 0.6), noisy("resets", 3, 0.6)],
      self: [
        noisy("self cpu", 1.6), noisy("self memory", 24 * MIB, 0.01), 1, noisy("self sent", 9_400), 0,
        noisy("late", 2.1),
      ],
    };
    for (const disk of disks) {
      const idle = [little(0.8), random.once(0.3) ? little(40 * KIB) : 0, little(90 * KIB)];
      const [util, read, written] = busyDisks.get(disk) ?? idle;
      const [reading, writing] = [noisy(`${disk} read`, read ?? 0), noisy(`${disk} write`, written ?? 0)];
      const wait = disk.startsWith("nvme") ? 0.09 : 5.5;
      const slow = (util ?? 0) > 80 ? 6 : 1;
      sample[`disk.${disk}.io`] = [reading, writing];
      sample[`disk.${disk}.ops`] = [reading / (96 * KIB), writing / (48 * KIB)];
      sample[`disk.${disk}.latency`] = [
        reading > 0 ? little(2 * wait * slow) : 0, writing > 0 ? little(4 * wait * slow) : 0,
      ];
      sample[`disk.${disk}.util`] = [Math.min(100, noisy(`${disk} util`, util ?? 0, 0.1))];
    }
    for (const net of nets) {
      const rate = busyNets.get(net);
      const received = rate === undefined ? little(3 * KIB) : noisy(net, rate);
      const sent = received * (rate === undefined ? 0.6 : 0.34);
      sample[`net.${net}.traffic`] = [received, sent];
      sample[`net.${net}.packets`] = [received / 900, sent / 900];
      sample[`net.${net}.errors`] = [0, 0, net === "bond0" ? little(8) : 0, 0];
    }
    if (second % 5 === 0) {
      services.forEach(({ name }, index) => {
        const idle = [little(1.2), sizes[index], random.once(0.05) ? little(2) : 0];
        const [cpu, memory, stalled] = busyServices.get(name) ?? idle;
        const [spent, held] = [noisy(`${name} cpu`, cpu ?? 0), noisy(`${name} memory`, memory ?? 0, 0.01)];
        sample[`cgroup.${idPart(name)}.cpu`] = [spent * 0.8, spent * 0.2];
        sample[`cgroup.${idPart(name)}.memory`] = [held, (sizes[index] ?? 0) * 0.6];
        sample[`cgroup.${idPart(name)}.pressure`] = [little(0.2) * (spent > 50 ? 9 : 1), 0, stalled ?? 0];
      });
    }
    if (second % 10 === 0) {
      for (const { mount, size, used } of fills) {
        const [reserved, taken] = [size * 0.01, Math.min(used + second * 1e-6, 0.99) * size];
        sample[`fs.${mount}.space`] = [taken, reserved, Math.max(0, size - reserved - taken)];
        sample[`fs.${mount}.inodes`] = [Math.round(taken / MIB), Math.round(size / (64 * KIB) - taken / MIB)];
      }
      sample["cpu.frequency"] = [noisy("mean", 1.62e9, 0.05), noisy("highest", 3.08e9, 0.01)];
      sample.temperature = warmths.map((warmth, index) => Math.round(noisy(`warmth${index}`, warmth, 0.02)));
    }
    return sample;
  });
  const scan = crowd(programs, { bootedAt: BOOTED_AT, seed: 129, unseen: 1_846 });
  const tables = Array.from({ length: SECONDS / SCAN_SECONDS }, (_, index) =>
    scan(START + index * SCAN_SECONDS * 1000, null),
  );
  return { head, samples: rounded(samples, head.catalog), tables };
}
