// Takes out of the page's script and wasm what nobody needs there and no optimiser may drop; `./dev build` runs it before
// wasm-opt. That is what a library exports for server functions that stream, where in the sources each panic stands (nobody
// is told, for the page has no words for panics, and the paths would differ from one home directory to another), and the
// long names, each with a digest, by which wasm and script know what one imports from the other.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { DATA, Reader, renameImports, section } from "./wasm.mjs";

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
const classes = /export class (IntoUnderlying\w+)\{.*?\}Symbol\.dispose&&\(\1\.prototype\[Symbol\.dispose\]=\1\.prototype\.free\);/g;
// What our own scripts export goes where they are imported: the page would have to wait for another file.
const imports = /import\{(\w+) as (\w+)\}from"\.\/(snippets\/[^"]+)";/g;
const text = readFileSync(script, "utf8").replace(classes, "");
const whole = text.replace(imports, (_, name, alias, file) => {
  const own = readFileSync(join(folder, file), "utf8").replace(/^export /gm, "");
  return `const ${alias}=(()=>{${shorten(own)};return ${name}})();`;
});
if (whole.includes("snippets/")) throw new Error("shed: an import that is written in another way");
/** By the names they had, in the order of their import. */
const shorter = new Map(
  WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(wasm))).map(({ name }, index) => [name, `$${index.toString(36)}`]),
);
const seen = new Set();
const renamed = whole.replaceAll("./telltale_bg.js", "$").replace(/\b__wb\w+/g, (name) => {
  seen.add(name);
  return shorter.get(name) ?? name;
});
const lost = [...shorter.keys()].find((name) => !seen.has(name));
if (lost) throw new Error(`shed: the script does not give what the wasm imports: ${lost}`);
writeFileSync(script, renamed);
rmSync(join(folder, "snippets"), { recursive: true, force: true });

const bytes = renameImports(readFileSync(wasm), (name) => shorter.get(name) ?? name, "$");
const segments = dataSegments(bytes);
const isLocated = /(?:\/rustc\/[0-9a-f]{40}\/library\/|\/[\w./-]+\/registry\/src\/[^/]+\/|src\/)[\w./-]+?\.rs/g;
/** Where in memory a path begins, and how long it is. */
const paths = new Map(
  segments.flatMap(({ address, begin, end }) =>
    [...bytes.toString("latin1", begin, end).matchAll(isLocated)].map(({ 0: path, index }) => [address + index, path.length]),
  ),
);
for (const { address, begin, end } of segments) {
  // A place in the sources is four aligned words: where its path is, how long that is, line and column.
  for (let at = begin + (-address & 3); at + 16 <= end; at += 4) {
    if (paths.get(bytes.readUInt32LE(at)) === bytes.readUInt32LE(at + 4)) bytes.fill(0, at, at + 16);
  }
  for (const [path, length] of paths) {
    if (path >= address && path < address + end - begin) bytes.fill(0, path - address + begin, path - address + begin + length);
  }
}
writeFileSync(wasm, bytes);

/**
 * A script without comments, and without the blanks that it does not need. Each statement in it ends in a semicolon.
 * @param {string} source
 */
function shorten(source) {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, source);
  let shorter = "";
  for (;;) {
    let token = scanner.scan();
    if (token === ts.SyntaxKind.EndOfFileToken) return shorter;
    if (token === ts.SyntaxKind.SlashToken && /[(=,]$/.test(shorter)) token = scanner.reScanSlashToken();
    const text = scanner.getTokenText();
    if (/[\w$]$/.test(shorter) && /^[\w$]/.test(text)) shorter += " ";
    if (text === "}") shorter = shorter.replace(/[;,]$/, "");
    if (text === ")" || text === "]") shorter = shorter.replace(/,$/, "");
    shorter += text;
  }
}

/**
 * Where in the file stands what is in memory from the beginning.
 * @param {Buffer} bytes
 * @returns {{ address: number, begin: number, end: number }[]}
 */
function dataSegments(bytes) {
  const reader = new Reader(bytes, section(bytes, DATA).content);
  return Array.from({ length: reader.number() }, () => {
    // An active segment of the only memory; its place is a constant and the end of that expression.
    if (reader.number() !== 0) throw new Error("shed: a data segment of a kind that is not known");
    reader.at += 1;
    const address = reader.number();
    reader.at += 1;
    const length = reader.number();
    reader.at += length;
    return { address, begin: reader.at - length, end: reader.at };
  });
}
