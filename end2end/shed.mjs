// Takes out of the page's script and wasm what a library exports for server functions that stream: nobody here calls
// it, and whatever is exported no optimiser may drop. `./dev build` runs it before wasm-opt.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? "target/site/pkg";
const [script, wasm, graph] = ["telltale.js", "telltale.wasm", "exports.json"].map((name) => join(folder, name));
const unused = /intounderlying/i;

const kept = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(wasm)))
  .map(({ name }) => name)
  .filter((name) => !unused.test(name));
writeFileSync(graph, JSON.stringify(kept.map((name) => ({ name, root: true, export: name }))));
execFileSync("wasm-metadce", [wasm, "-f", graph, "-o", wasm, "-all"], { stdio: ["ignore", "ignore", "inherit"] });
rmSync(graph);

// A class, and what makes it disposable.
const text = readFileSync(script, "utf8");
const classes = /export class (IntoUnderlying\w+)\{.*?\}Symbol\.dispose&&\(\1\.prototype\[Symbol\.dispose\]=\1\.prototype\.free\);/g;
writeFileSync(script, text.replace(classes, ""));
