// What the very large server has: forty disks and mounts, 64 interfaces, 300 services and containers, 1 000 processes.

import { chance } from "./chance.mjs";
import { GIB, KIB, MIB } from "./families.mjs";

const random = chance(300);
/** @template Item @returns {Item[]} */
const times = (/** @type {number} */ count, /** @type {(index: number) => Item} */ item) =>
  Array.from({ length: count }, (_, index) => item(index));
const padded = (/** @type {number} */ number) => `${number}`.padStart(2, "0");
const letter = (/** @type {number} */ index) => String.fromCharCode(97 + index);
/** As Kubernetes invents them: neither vowels nor what could be one. */
const invented = (/** @type {number} */ length) =>
  times(length, () => "bcdfghjklmnpqrstvwxz2456789"[Math.floor(random.next() * 27)]).join("");

export const disks = [
  ...times(8, (index) => `nvme${index}n1`),
  ...times(32, (index) => `sd${index < 26 ? letter(index) : `a${letter(index - 26)}`}`),
];

export const mounts = [
  "/", "/boot", "/boot/efi", "/home", "/var", "/var/log", "/var/lib/docker", "/var/lib/kubelet", "/var/lib/postgresql",
  "/var/lib/clickhouse", "/srv/nvme/scratch", "/srv/nvme/fast with a space",
  ...times(28, (index) => `/srv/disk/${padded(index)}`),
];

export const nets = [
  "bond0", "bond1", ...times(8, (index) => `ens${1 + (index >> 1)}f${index & 1}np${index & 1}`), "eno1", "eno2",
  ...times(30, (index) => `bond0.${100 + index * 4}`), ...times(12, (index) => `bond1.${2000 + index}`),
  ...times(6, (index) => `br-${(0x5a3c91d7 * (index + 1)).toString(16).slice(0, 12)}`),
  "docker0", "cni0", "flannel.1", "wg-backup",
];

/** @type {[string, string][]} */
export const temperatures = [
  ["k10temp_tctl", "CPU Tctl"],
  ...times(8, (index) => /** @type {[string, string]} */ ([`k10temp_tccd${index + 1}`, `CPU Tccd${index + 1}`])),
  ...times(8, (index) => /** @type {[string, string]} */ ([`nvme${index}`, `nvme${index}`])),
  ...times(7, (index) => /** @type {[string, string]} */ ([`dimm${index}`, `DIMM ${index}`])),
];

const units = [
  "chrony", "clickhouse-server", "containerd", "cron", "dbus", "docker", "exim4", "haproxy", "irqbalance", "kubelet",
  "lldpd", "mdmonitor", "multipathd", "nftables", "nginx", "node_exporter", "nscd", "polkit", "postgresql@16-main",
  "rsyslog", "smartmontools", "ssh", "systemd-journald", "systemd-logind", "systemd-networkd", "systemd-resolved",
  "systemd-udevd", "telltale", "unattended-upgrades", "zfs-zed",
  ...times(10, (index) => `getty@tty${index + 1}`), ...times(12, (index) => `worker@${index + 1}`),
];
const images = [
  "transcoder", "thumbnailer", "mailer", "redis", "memcached", "minio", "gitlab-runner", "registry-mirror", "ci-builder",
  "keycloak", "grafana-agent", "vector", "imgproxy", "sftp-gateway", "report-renderer", "legacy-billing-api-production",
];
/** A namespace, what is deployed in it, and the container. */
const workloads = [
  ["shop", "checkout-7d9f8b6c5d-x2k4q", "checkout"],
  ["search", "elasticsearch-data-hot-1", "elasticsearch"],
  ["monitoring", "prometheus-kube-prometheus-stack-prometheus-0", "config-reloader"],
  ["kube-system", "coredns-5d78c9869d-8zqtw", "coredns"],
  ["ingress-nginx", "ingress-nginx-controller-6f79748cff-tm2xv", "controller"],
];
const deployments = [
  "cart", "catalogue", "recommendation-engine", "inventory-sync", "payment-gateway-adapter", "notifications",
];

/** @type {import("./families.mjs").Service[]} */
export const services = [
  ...units.map((name) => /** @type {const} */ ({ kind: "Service", name })),
  ...times(8, (index) => ({ kind: /** @type {const} */ ("User"), name: `user:${index === 0 ? "ingrid" : 1000 + index}` })),
  ...times(120, (index) => ({
    kind: /** @type {const} */ ("Container"),
    name: `docker:${images[index % images.length]}-${1 + Math.floor(index / images.length)}`,
  })),
  ...times(120, (index) => {
    const deployment = deployments[index % deployments.length] ?? "";
    const invention = ["shop", `${deployment}-${invented(10)}-${invented(5)}`, index % 3 ? deployment : "istio-proxy"];
    const [namespace, pod, container] = workloads[index] ?? invention;
    return { kind: /** @type {const} */ ("Container"), name: `k8s:${namespace}/${pod}/${container}` };
  }),
];

/** @type {import("./processes.mjs").Program<null>[]} */
export const programs = [
  { name: "systemd", user: "root", cpu: 0.2, memory: 17 * MIB, isClosed: true },
  { name: "kthreadd", user: "root", isClosed: true },
  { name: "migration/{}", user: "root", count: 128, isClosed: true },
  { name: "ksoftirqd/{}", user: "root", count: 128, cpu: 0.02, isClosed: true },
  { name: "kworker/{}:1-mm_percpu_wq", user: "root", count: 96, cpu: 0.03, isClosed: true },
  { name: "irq/{}-mlx5_comp", user: "root", count: 32, cpu: 0.4, isClosed: true },
  { name: "systemd-journal", user: "root", started: 4, cpu: 1.1, memory: 210 * MIB, written: 340 * KIB },
  { name: "dockerd", user: "root", started: 9, cpu: 4, memory: 310 * MIB, threads: 96 },
  { name: "containerd", user: "root", started: 9, cpu: 3, memory: 240 * MIB, threads: 88 },
  { name: "kubelet", user: "root", started: 12, cpu: 6, memory: 190 * MIB, threads: 74, written: 12 * KIB },
  {
    name: "clickhouse-serv", user: "clickhouse", started: 20, cpu: 214, memory: 186 * GIB, threads: 742,
    read: 1_300 * MIB, written: 290 * MIB,
  },
  { name: "postgres", user: "postgres", started: 22, cpu: 41, memory: 66 * GIB, read: 60 * MIB, written: 24 * MIB },
  {
    name: "postgres", user: "postgres", started: 90, count: 140, cpu: 0.7, memory: 190 * MIB,
    read: 30 * KIB, written: 80 * KIB,
  },
  {
    name: "ffmpeg", user: "10003", started: 12_000_000, cpu: 98, memory: 1.4 * GIB, threads: 18,
    read: 4 * MIB, written: 2 * MIB,
  },
  {
    name: "java", user: "1000", started: 3_000_000, cpu: 77, memory: 31 * GIB, threads: 311,
    read: 12 * MIB, written: 9 * MIB,
  },
  { name: "checkout", user: "65532", started: 9_000_000, cpu: 64, memory: 2.7 * GIB, threads: 41 },
  { name: "haproxy", user: "haproxy", started: 30, count: 2, cpu: 22, memory: 640 * MIB, threads: 32 },
  { name: "nginx", user: "root", started: 31, memory: 22 * MIB, isClosed: true },
  { name: "nginx", user: "www-data", started: 31, count: 64, cpu: 0.3, memory: 41 * MIB, written: 2 * KIB },
  {
    name: "containerd-shim", user: "root", started: 60, count: 160, cpu: 0.04, memory: 14 * MIB, threads: 12,
    isClosed: true,
  },
  { name: "pause", user: "65535", started: 61, count: 40, memory: 0.8 * MIB },
  { name: "envoy", user: "1337", started: 62, count: 40, cpu: 0.6, memory: 58 * MIB, threads: 9 },
  { name: "node", user: "1000", started: 70, count: 50, cpu: 0.5, memory: 134 * MIB, threads: 11 },
  { name: "python3.12", user: "worker", started: 80, count: 61, cpu: 0.4, memory: 92 * MIB, threads: 3, written: KIB },
  { name: "redis-server", user: "999", started: 85, count: 12, cpu: 0.9, memory: 410 * MIB, threads: 5 },
  { name: "sshd", user: "root", started: 40, count: 9, memory: 9 * MIB, isClosed: true },
  { name: "agetty", user: "root", started: 40, count: 10, memory: 2 * MIB, isClosed: true },
  { name: "zsh", user: "ingrid", started: 12_300_000, count: 6, memory: 9 * MIB },
  { name: "telltale", user: "telltale", started: 12_000_000, cpu: 1.6, memory: 24 * MIB, threads: 6 },
  {
    name: "rsync", user: "backup", started: 12_350_000, count: 3, cpu: 18, memory: 34 * MIB,
    read: 54 * MIB, written: 110 * KIB,
  },
  { name: "conmon", user: "root", isBrief: true, count: 6, cpu: 0.4, memory: 2 * MIB, isClosed: true },
];
