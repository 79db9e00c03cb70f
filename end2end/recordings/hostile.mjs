// A machine whose every name wants to do harm: markup, control characters, reversed text, endless names.

import { START, family, serviceFamilies } from "./families.mjs";
import { SCAN_SECONDS } from "./processes.mjs";

const SECONDS = 900;

/** What would run if anything escaped badly: `window.harmed` stays undefined, or the tests fail. */
const MARKUP = '"><img src=x onerror="window.harmed=1"><script>window.harmed=2</script>';
const NAMES = [
  MARKUP,
  "</script><script>window.harmed=3</script>",
  "</title></style></svg><iframe srcdoc='<script>parent.harmed=4</script>'>",
  "\u202egpj.evil\u2066\u200b\ufeff",
  "line\none\rtwo\u2028three\u0085four\u0000five\u001b[31mred",
  "data: {\"t\":0}\n\nevent: bye\n\n",
  "Ẑ\u0351\u036b\u0343\u036a\u0302\u036b".repeat(40),
  "endless-".repeat(512),
];
/** What processes and control groups may be called beyond that. */
const STRANGER_NAMES = [
  "javascript:window.harmed=5//",
  "' onmouseover='window.harmed=6' autofocus onfocus='window.harmed=7' x='",
  "{{constructor.constructor('window.harmed=8')()}}${window.harmed=9}",
  "../../../etc/passwd",
  "__proto__",
  "\u2028\u2029\u0085\u0000\u007f\u009b31m",
  "non-characters \ufdd0\ufffe\uffff\u{1ffff}\u{10ffff}",
  "&lt;b&gt;&amp;&#0;&zwj;👩‍👩‍👧‍👦",
  '{"catalog":[{"host":null}]}',
  "%00%0d%0aSet-Cookie:%20harmed=1",
  " ",
  "",
  "x".repeat(10_240),
  `${"<script>window.harmed=10</script>".repeat(320)}`,
];
const FAMILY_SUFFIXES = ["cpu", "memory", "pressure"];

/** Ids as the server makes them, then ids that are none: a replay must make them harmless. */
function services() {
  const made = [...NAMES, ...STRANGER_NAMES].flatMap((name) => serviceFamilies({ kind: "Service", name }));
  const raw = [MARKUP, "a\nb\u2028c", "\u202eevil", "..%2f..", "constructor"].flatMap((name) =>
    FAMILY_SUFFIXES.map((suffix) =>
      family(`cgroup.raw ${name}.${suffix}`, `Container ${name}: ${suffix}`, "%", [[`d ${name}`, name]], { every: 5 }),
    ),
  );
  return [...made, ...raw];
}

/**
 * Their names do harm, and so may their numbers: the largest, the smallest, and those that can't be read.
 * @returns {import("./processes.mjs").Process[]}
 */
function processes() {
  const names = [...NAMES, ...STRANGER_NAMES];
  return names.map((name, index) => {
    const other = names[(index + 5) % names.length] ?? null;
    const isUnreadable = index % 4 === 3;
    const isEndless = index % 7 === 2;
    return {
      pid: isEndless ? 4_294_967_295 - index : index + 1,
      name,
      user: isUnreadable ? null : other,
      cpu_percent: isUnreadable ? null : isEndless ? 1e300 : index,
      memory_bytes: isUnreadable ? null : isEndless ? Number.MAX_SAFE_INTEGER : index * 1_048_576,
      read_bytes_per_s: isUnreadable || index % 3 === 0 ? null : isEndless ? Number.MAX_SAFE_INTEGER : 0,
      written_bytes_per_s: isUnreadable || index % 5 === 0 ? null : index,
      threads: isUnreadable ? null : isEndless ? 4_294_967_295 : 1,
      started_at: isUnreadable ? null : isEndless ? Number.MAX_SAFE_INTEGER : index % 2 === 0 ? START - index : -START,
      arguments: `${name} --password=${other} ${MARKUP}\u0000--token\u0000hunter2`,
    };
  });
}

/** @returns {import("./families.mjs").Recording} */
export function hostile() {
  const catalog = [
    family("cpu", `CPU ${MARKUP}`, "%", ["user", ["system", MARKUP], "iowait"], { stacked: true }),
    family("memory", "Memory", "bytes", ["used", "free"], { stacked: true }),
    ...NAMES.map((name, index) =>
      family(`disk.d${index}.io`, `${name} traffic`, "bytes/s", [["read", name], "written"]),
    ),
    ...NAMES.map((name, index) => family(`net.n${index}.traffic`, name, "bytes/s", ["received", ["sent", name]])),
    // An id that is none: a replay must make it harmless or leave the family out.
    family(`disk.${MARKUP}.util`, MARKUP, "%", [[MARKUP, MARKUP]]),
    ...services(),
    family("temperature", "Temperature", "°C", NAMES.map((name) => [name, name]), { every: 10 }),
  ];
  const samples = Array.from({ length: SECONDS }, (_, second) => ({
    t: START + second * 1000,
    ...Object.fromEntries(
      catalog
        .filter(({ interval_ms }) => (second * 1000) % interval_ms === 0)
        .map(({ id, dimensions }, position) => [id, dimensions.map((_, index) => value(id, position, second, index))]),
    ),
  }));
  const tables = Array.from({ length: SECONDS / SCAN_SECONDS }, (_, index) => {
    const all = processes();
    return { at: START + index * SCAN_SECONDS * 1000, total: all.length, processes: all };
  });
  return {
    head: {
      host: {
        name: `harbour${MARKUP}\u202e${"x".repeat(4096)}`,
        os: `Debian ${MARKUP}`,
        kernel: "</script>6.1\n\n",
        architecture: "x86_64",
        cpu_model: MARKUP,
        cpu_count: 1,
        memory_bytes: 1_073_741_824,
        booted_at: START - 86_400_000,
      },
      catalog,
    },
    samples,
    tables,
  };
}

/** Of services some figures can never be read, some not always, and some are beyond measure. */
function value(
  /** @type {string} */ id,
  /** @type {number} */ position,
  /** @type {number} */ second,
  /** @type {number} */ index,
) {
  const plain = 10 + ((second + index * 7) % 20);
  if (!id.startsWith("cgroup.") && id !== "temperature") return plain;
  if (position % 11 === 3 || (position % 5 === 1 && second % 30 < 15)) return null;
  return position % 13 === 6 ? [1e300, 18_446_744_073_709_551_615, -273.15][index % 3] ?? null : plain;
}
