// Takes out of the page's script and wasm what a library exports for server functions that stream: nobody here calls
// it, and whatever is exported no optimiser may drop. `./dev build` runs it before wasm-opt.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? "target/site/pkg";
const script = join(folder, "telltale.js");
const wasm = join(folder, "telltale.wasm");
const graph = join(folder, "exports.json");
const unused = /intounderlying/i;
/** What every browser of ours can read; more would be written with more. */
const features = ["bulk-memory", "nontrapping-float-to-int", "reference-types", "multivalue", "sign-ext", "mutable-globals"].map(
  (feature) => `--enable-${feature}`,
);

const kept = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(wasm)))
  .map(({ name }) => name)
  .filter((name) => !unused.test(name));
writeFileSync(graph, JSON.stringify(kept.map((name) => ({ name, root: true, export: name }))));
execFileSync("wasm-metadce", [wasm, "-f", graph, "-o", wasm, ...features], { stdio: ["ignore", "ignore", "inherit"] });
rmSync(graph);

// A class, and what makes it disposable.
const text = readFileSync(script, "utf8");
const classes = /export class (IntoUnderlying\w+)\{.*?\}Symbol\.dispose&&\(\1\.prototype\[Symbol\.dispose\]=\1\.prototype\.free\);/g;
writeFileSync(script, text.replace(classes, ""));
