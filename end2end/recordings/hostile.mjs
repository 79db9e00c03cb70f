// A machine whose every name wants to do harm: markup, control characters, reversed text, endless names.

import { family } from "./ordinary.mjs";

const START = 1_795_235_700_000;
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

/** @returns {{ head: import("./ordinary.mjs").Head, samples: import("./ordinary.mjs").Sample[] }} */
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
  ];
  const samples = Array.from({ length: SECONDS }, (_, second) => ({
    t: START + second * 1000,
    ...Object.fromEntries(
      catalog.map(({ id, dimensions }) => [id, dimensions.map((_, index) => 10 + ((second + index * 7) % 20))]),
    ),
  }));
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
  };
}
