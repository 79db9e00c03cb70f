// What recordings are made of: the families of a machine, in the server's order, and how it rounds their values.

/**
 * @typedef {{ id: string, label: string, unit?: string }} Dimension
 * @typedef {object} Family
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {boolean} stacked
 * @property {number} interval_ms
 * @property {Dimension[]} dimensions
 *
 * @typedef {{ host: Record<string, unknown>, catalog: Family[] }} Head
 * @typedef {{ t: number, [family: string]: number | (number | null)[] }} Sample
 * @typedef {{ head: Head, samples: Sample[], tables: import("./processes.mjs").ProcessTable[] }} Recording
 * @typedef {{ kind: "Service" | "Container" | "User", name: string }} Service `name` is as the server tells it: `docker:web`
 * @typedef {object} Machine
 * @property {number} cores
 * @property {string[]} disks
 * @property {string[]} mounts
 * @property {string[]} nets
 * @property {Service[]} services
 * @property {[string, string][]} temperatures ids and labels
 * @property {boolean} [isOld] without pressure files, and with the CPU alone counted for each service
 * @property {boolean} [hasZram]
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** When every recording begins: on a tick of every family. */
export const START = 1_795_235_700_000;

/** @type {[string, string][]} */
const FREQUENCIES = [["mean", "mean of the cores"], ["highest", "fastest core"]];
/** @type {[string, string][]} */
const STALLS = [
  ["cpu", "some tasks waiting for the CPU"],
  ["memory", "some tasks waiting for memory"],
  ["io", "some tasks waiting for disks"],
];

/**
 * @param {string} id
 * @param {string} title
 * @param {string} unit
 * @param {(string | [string, string] | [string, string, string])[]} dimensions an id that is its own label, or an id
 *   and a label, or these and a unit of its own
 * @param {{ stacked?: boolean, every?: number }} [options] `every` is in seconds
 * @returns {Family}
 */
export function family(id, title, unit, dimensions, { stacked = false, every = 1 } = {}) {
  return {
    id,
    title,
    unit,
    stacked,
    interval_ms: every * 1000,
    dimensions: dimensions.map((dimension) => {
      const [name, label, own] = typeof dimension === "string" ? [dimension, dimension] : dimension;
      return own === undefined ? { id: name, label } : { id: name, label, unit: own };
    }),
  };
}

/** @returns {Family[]} */
export function catalogOf(/** @type {Machine} */ machine) {
  /** @type {[string, string][]} */
  const cores = Array.from({ length: machine.cores }, (_, core) => [`${core}`, `core ${core}`]);
  const pressure = (/** @type {string} */ id, /** @type {string} */ title) =>
    machine.isOld ? [] : [family(`pressure.${id}`, `${title} pressure`, "%", ["some", "full"])];
  return [
    family("cpu", "CPU", "%", ["user", "nice", "system", "iowait", "irq", "softirq", "steal"], { stacked: true }),
    ...pressure("cpu", "CPU"),
    family("load", "Load", "", [["load1", "1 min"], ["load5", "5 min"], ["load15", "15 min"]]),
    family("cpu.cores", "CPU cores", "%", cores),
    family("cpu.frequency", "CPU frequency", "Hz", FREQUENCIES, { every: 10 }),
    family("tasks", "Tasks", "", ["running", "blocked", "total"]),
    family("processes", "Processes started", "/s", ["started"]),
    family("interrupts", "Interrupts", "/s", [["context_switches", "context switches"], "interrupts"]),
    family("memory", "Memory", "bytes", ["used", "buffers", "cached", "free"], { stacked: true }),
    family("memory.available", "Memory available", "bytes", ["available"]),
    ...pressure("memory", "Memory"),
    family("swap", "Swap", "bytes", ["used", "free"], { stacked: true }),
    family("swap.io", "Swap traffic", "bytes/s", ["in", "out"]),
    ...(machine.hasZram ? [family("zram", "Compressed memory (zram)", "bytes", ["stored", ["used", "memory used"]])] : []),
    ...pressure("io", "I/O"),
    ...machine.disks.flatMap((disk) => [
      family(`disk.${disk}.io`, `${disk} traffic`, "bytes/s", ["read", "written"]),
      family(`disk.${disk}.ops`, `${disk} operations`, "/s", ["reads", "writes"]),
      family(`disk.${disk}.latency`, `${disk} latency`, "ms", ["read", "write"]),
      family(`disk.${disk}.util`, `${disk} utilisation`, "%", ["util"]),
    ]),
    ...machine.mounts.flatMap((mount) => [
      family(`fs.${mount}.space`, `${mount} space`, "bytes", ["used", "reserved", "free"], { stacked: true, every: 10 }),
      family(`fs.${mount}.inodes`, `${mount} inodes`, "", ["used", "free"], { stacked: true, every: 10 }),
    ]),
    ...machine.nets.flatMap((net) => [
      family(`net.${net}.traffic`, `${net} traffic`, "bytes/s", ["received", "sent"]),
      family(`net.${net}.packets`, `${net} packets`, "/s", ["received", "sent"]),
      family(`net.${net}.errors`, `${net} errors`, "/s", [
        "received", "sent", ["received_dropped", "received, dropped"], ["sent_dropped", "sent, dropped"],
      ]),
    ]),
    family("tcp", "TCP", "", [
      ["established", "connections established"],
      ["retransmitted", "segments retransmitted", "/s"],
      ["resets", "connections reset", "/s"],
    ]),
    ...machine.services.flatMap((service) => serviceFamilies(service, machine.isOld)),
    ...(machine.temperatures.length > 0
      ? [family("temperature", "Temperature", "°C", machine.temperatures, { every: 10 })]
      : []),
    family("self", "Telltale", "", [
      ["cpu", "CPU", "%"],
      ["memory", "memory", "bytes"],
      "streams",
      ["sent", "sent", "bytes/s"],
      ["written", "written", "bytes/s"],
      ["lateness", "lateness", "ms"],
    ]),
  ];
}

/** The CPU alone where the kernel counts no more. */
export function serviceFamilies(/** @type {Service} */ { kind, name }, isOld = false) {
  const [id, title] = [`cgroup.${idPart(name)}`, `${kind} ${name.replace(/^(docker|k8s|user):/, "")}`];
  const cpu = family(`${id}.cpu`, `${title}: CPU`, "%", ["user", "system"], { stacked: true, every: 5 });
  if (isOld) return [cpu];
  return [
    cpu,
    family(`${id}.memory`, `${title}: memory`, "bytes", ["used", ["cache", "cache of files"]], {
      stacked: true,
      every: 5,
    }),
    family(`${id}.pressure`, `${title}: pressure`, "%", STALLS, { every: 5 }),
  ];
}

/** A part of an id as the server writes it: what is not harmless becomes `_`, and a digest keeps names apart. */
export function idPart(/** @type {string} */ name) {
  const bytes = Buffer.from(name);
  const id = bytes.subarray(0, 64).toString("latin1").replace(/[^A-Za-z0-9_/:@+.-]/g, "_");
  if (id === name) return id;
  const digest = bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
  return `${id}~${digest.toString(16).padStart(8, "0")}`;
}

/** As the sampler does: bytes and hertz are whole, everything else has two decimals. */
export function rounded(/** @type {Sample[]} */ samples, /** @type {Family[]} */ catalog) {
  const scales = new Map(
    catalog.map(({ id, unit, dimensions }) => [
      id,
      dimensions.map((dimension) => (/^(bytes|Hz)/.test(dimension.unit ?? unit) ? 1 : 100)),
    ]),
  );
  for (const sample of samples) {
    for (const [id, values] of Object.entries(sample)) {
      if (!Array.isArray(values)) continue;
      const scale = scales.get(id) ?? [];
      sample[id] = values.map((value, index) => {
        const by = scale[index] ?? 100;
        return value === null ? null : Math.round(value * by) / by;
      });
    }
  }
  return samples;
}
