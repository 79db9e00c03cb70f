// What every bench begins with: its options, and the promise that all it started ends with it.

import { parseArgs } from "node:util";

/**
 * @typedef {(cleanup: () => unknown) => void} Later registers what is to be done at the end, the newest first
 */

/**
 * Runs a bench with the numbers that its options name, and ends the process.
 * @template {Record<string, [value: number, help: string]>} Table
 * @param {Table} table each option's default and what it is
 * @param {(options: { [Name in keyof Table]: number }, later: Later) => Promise<void>} run
 */
export async function bench(table, run) {
  /** @type {(() => unknown)[]} */
  const cleanups = [];
  const end = async (/** @type {number} */ code) => {
    for (const cleanup of cleanups.splice(0).reverse()) {
      await Promise.resolve(cleanup()).catch((/** @type {unknown} */ error) => console.error("cleaning up:", error));
    }
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void end(1));
  try {
    await run(read(table), (cleanup) => cleanups.push(cleanup));
    await end(0);
  } catch (error) {
    console.error(error instanceof UsageError ? error.message : error);
    await end(error instanceof UsageError ? 2 : 1);
  }
}

class UsageError extends Error {}

/**
 * @template {Record<string, [value: number, help: string]>} Table
 * @param {Table} table
 * @returns {{ [Name in keyof Table]: number }}
 */
function read(table) {
  const usage = ["options:", ...Object.entries(table).map(([name, [value, help]]) => `  --${name} ${value}  ${help}`)];
  try {
    const options = Object.fromEntries(Object.keys(table).map((name) => [name, { type: /** @type {const} */ ("string") }]));
    const { values } = parseArgs({ options });
    const numbers = Object.entries(table).map(([name, [value]]) => {
      const number = Number(values[name] ?? value);
      if (!(number > 0)) throw new Error(`--${name} takes a number above 0`);
      return [name, number];
    });
    return /** @type {{ [Name in keyof Table]: number }} */ (Object.fromEntries(numbers));
  } catch (error) {
    throw new UsageError([error instanceof Error ? error.message : String(error), ...usage].join("\n"));
  }
}
