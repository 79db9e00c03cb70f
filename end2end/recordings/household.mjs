// Who lives on the small server of the ordinary recording: its services and processes, and what each does when.

import { chance } from "./chance.mjs";
import { GIB, KIB, MIB } from "./families.mjs";

/**
 * @typedef {{ compile: number, backup: number }} Phase how busy the machine is with each, from 0 to 1
 * @typedef {[number, number]} Pair
 * @typedef {object} Resident
 * @property {"Service" | "Container" | "User"} kind
 * @property {string} name
 * @property {(phase: Phase) => Pair} cpu user and system, in % of one core
 * @property {(phase: Phase) => Pair} memory used and cache, in bytes
 * @property {(phase: Phase) => [number, number, number]} [pressure] of CPU, memory and I/O, in %
 */

/**
 * @param {Resident["kind"]} kind
 * @param {string} name
 * @param {Pair} cpu
 * @param {Pair} memory in MiB
 * @param {Partial<Resident>} [busy]
 * @returns {Resident}
 */
const resident = (kind, name, cpu, [used, cache], busy = {}) => ({
  kind,
  name,
  cpu: () => cpu,
  memory: () => [used * MIB, cache * MIB],
  ...busy,
});

/** @type {Resident[]} */
export const residents = [
  resident("Service", "borgbackup", [0, 0], [0, 0], {
    cpu: ({ backup }) => [31 * backup, 23 * backup],
    memory: ({ backup }) => [(38 + 260 * backup) * MIB, (60 + 1_900 * backup) * MIB],
    pressure: ({ backup }) => [3 * backup, 0, 22 * backup],
  }),
  resident("Service", "cron", [0.02, 0.02], [2, 6]),
  resident("Service", "docker", [0.6, 0.4], [92, 140]),
  resident("Service", "nginx", [0.4, 0.3], [14, 22]),
  resident("Service", "postgresql", [1.6, 0.5], [210, 640], {
    cpu: ({ backup }) => [1.6 + 4 * backup, 0.5 + 3 * backup],
    pressure: ({ backup }) => [0.2, 0, 0.3 + 9 * backup],
  }),
  resident("Service", "smbd", [0.1, 0.1], [31, 180]),
  resident("Service", "ssh", [0.05, 0.05], [6, 4]),
  resident("Service", "systemd-journald", [0.2, 0.2], [24, 90]),
  resident("Service", "telltale", [0.15, 0.1], [17, 3]),
  resident("User", "user:ann", [0.3, 0.2], [90, 210], {
    cpu: ({ compile }) => [0.3 + 268 * compile, 0.2 + 33 * compile],
    memory: ({ compile }) => [90 * MIB + 2.3 * GIB * compile, (210 + 700 * compile) * MIB],
    pressure: ({ compile }) => [29 * compile, 0.8 * compile, 1.5 * compile],
  }),
  resident("Container", "docker:home-assistant", [1.9, 0.6], [388, 96]),
  resident("Container", "docker:jellyfin", [0.9, 0.3], [412, 330], {
    pressure: ({ compile, backup }) => [12 * compile, 0, 4 * backup],
  }),
  resident("Container", "docker:nextcloud", [0.8, 0.3], [176, 240]),
  resident("Container", "docker:nextcloud-db", [0.5, 0.2], [148, 84]),
  resident("Container", "docker:pihole", [0.2, 0.2], [44, 18]),
  resident("Container", "docker:vaultwarden", [0.05, 0.02], [38, 12]),
];

/** The values of all services in a second of the recording. */
export function servicesOf(/** @type {number} */ seed) {
  const random = chance(seed);
  return (/** @type {Phase} */ phase) =>
    residents.flatMap(({ name, cpu, memory, pressure }) => {
      const [stalledForCpu, stalledForMemory, stalledForIo] = pressure?.(phase) ?? [8 * phase.compile, 0, phase.backup];
      return /** @type {[string, number[]][]} */ ([
        [`cgroup.${name}.cpu`, cpu(phase).map((value) => value * random.wander(`${name} cpu`, 0.4))],
        [`cgroup.${name}.memory`, memory(phase).map((value) => value * random.wander(`${name} memory`, 0.02))],
        [`cgroup.${name}.pressure`, [stalledForCpu, stalledForMemory, stalledForIo].map(
          (value) => value * random.wander(`${name} pressure`, 0.5),
        )],
      ]);
    });
}

const DAY = 86_400;

/** @type {import("./processes.mjs").Program<Phase>[]} */
export const programs = [
  { name: "systemd", user: "root", cpu: 0.1, memory: 13 * MIB, isClosed: true },
  { name: "kthreadd", user: "root", isClosed: true },
  { name: "ksoftirqd/{}", user: "root", count: 4, cpu: ({ backup }) => 0.02 + 0.8 * backup, isClosed: true },
  { name: "kworker/{}:1-events", user: "root", count: 4, cpu: ({ backup }) => 0.05 + backup, isClosed: true },
  { name: "kworker/u8:{}-btrfs", user: "root", count: 2, cpu: ({ backup }) => 6 * backup, isClosed: true },
  { name: "kswapd0", user: "root", cpu: 0.01, isClosed: true },
  { name: "jbd2/nvme0n1p2-8", user: "root", cpu: 0.02, isClosed: true },
  { name: "systemd-journal", user: "root", started: 2, cpu: 0.3, memory: 34 * MIB, written: 9 * KIB },
  { name: "systemd-udevd", user: "root", started: 2, memory: 8 * MIB, isClosed: true },
  { name: "systemd-timesyn", user: "systemd-timesync", started: 3, memory: 7 * MIB, threads: 2 },
  { name: "dbus-daemon", user: "messagebus", started: 3, cpu: 0.02, memory: 5 * MIB },
  { name: "systemd-logind", user: "root", started: 3, memory: 8 * MIB, isClosed: true },
  { name: "cron", user: "root", started: 4, cpu: 0.02, memory: 3 * MIB, isClosed: true },
  { name: "smartd", user: "root", started: 4, memory: 6 * MIB, isClosed: true },
  { name: "sshd", user: "root", started: 4, memory: 9 * MIB, isClosed: true },
  { name: "smbd", user: "root", started: 5, count: 3, cpu: 0.05, memory: 18 * MIB, isClosed: true },
  { name: "containerd", user: "root", started: 5, cpu: 0.4, memory: 48 * MIB, threads: 11 },
  { name: "dockerd", user: "root", started: 6, cpu: 0.5, memory: 86 * MIB, threads: 14 },
  { name: "postgres", user: "postgres", started: 6, memory: 28 * MIB },
  {
    name: "postgres", user: "postgres", started: 7, count: 7, memory: 41 * MIB,
    cpu: ({ backup }) => 0.3 + backup, read: ({ backup }) => 600 * KIB * backup, written: 26 * KIB,
  },
  { name: "nginx", user: "root", started: 8, memory: 3 * MIB, isClosed: true },
  { name: "nginx", user: "www-data", started: 8, count: 4, cpu: 0.15, memory: 8 * MIB, written: 300 },
  {
    name: "containerd-shim", user: "root", started: 9, count: 6, cpu: 0.05, memory: 12 * MIB, threads: 10, isClosed: true,
  },
  { name: "python3", user: "root", started: 11, cpu: 2.4, memory: 372 * MIB, threads: 24, written: 14 * KIB },
  { name: "jellyfin", user: "1000", started: 11, cpu: 1.2, memory: 404 * MIB, threads: 19, read: 2 * KIB },
  { name: "mariadbd", user: "999", started: 12, cpu: 0.7, memory: 146 * MIB, threads: 9, written: 11 * KIB },
  { name: "apache2", user: "www-data", started: 12, count: 6, cpu: 0.18, memory: 46 * MIB },
  { name: "pihole-FTL", user: "pihole", started: 12, cpu: 0.4, memory: 41 * MIB, threads: 9, written: 2 * KIB },
  { name: "vaultwarden", user: "root", started: 13, cpu: 0.07, memory: 37 * MIB, threads: 13 },
  { name: "telltale", user: "telltale", started: 11 * DAY, cpu: 0.25, memory: 19 * MIB, threads: 5 },
  { name: "systemd", user: "ann", started: 11.4 * DAY, memory: 11 * MIB },
  { name: "tmux: server", user: "ann", started: 11.4 * DAY, cpu: 0.05, memory: 6 * MIB },
  { name: "bash", user: "ann", started: 11.4 * DAY, count: 3, memory: 6 * MIB },
  { name: "sshd", user: "ann", started: 11.9 * DAY, cpu: 0.05, memory: 7 * MIB },
  { name: "htop", user: "ann", started: 11.95 * DAY, cpu: 0.9, memory: 5 * MIB },
  { name: "make", user: "ann", memory: 14 * MIB, cpu: 0.4, runs: ({ compile }) => compile > 0 },
  {
    name: "cc1plus", user: "ann", count: 4, isBrief: true, runs: ({ compile }) => compile > 0, threads: 1,
    cpu: ({ compile }) => 74 * compile, memory: ({ compile }) => 560 * MIB * compile,
    read: ({ compile }) => 1.4 * MIB * compile, written: ({ compile }) => 5.5 * MIB * compile,
  },
  {
    name: "as", user: "ann", isBrief: true, runs: ({ compile }) => compile > 0.5, cpu: 9, memory: 31 * MIB,
    written: 2 * MIB,
  },
  {
    name: "borg", user: "root", threads: 2, runs: ({ backup }) => backup > 0, cpu: ({ backup }) => 46 * backup,
    memory: ({ backup }) => 280 * MIB * backup, read: ({ backup }) => 91 * MIB * backup, written: 50 * KIB,
  },
  {
    name: "ssh", user: "root", runs: ({ backup }) => backup > 0, cpu: ({ backup }) => 8 * backup, memory: 9 * MIB,
    isClosed: true,
  },
];
