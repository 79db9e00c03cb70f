// Recordings that only benches replay.

import { chance } from "../../recordings/chance.mjs";
import { family } from "../../recordings/families.mjs";
import { ordinary } from "../../recordings/ordinary.mjs";

/** @typedef {import("../../recordings/families.mjs").Recording} Recording */

const SECONDS = 900;

/**
 * Values without any pattern: nothing merges, nothing is smooth, nothing compresses.
 * @param {number} families
 * @param {number} dimensions
 * @returns {Recording}
 */
export function noise(families, dimensions) {
  const names = Array.from({ length: dimensions }, (_, index) => `series ${index}`);
  const catalog = Array.from({ length: families }, (_, index) =>
    family(`bench${index}`, `Noise ${index}`, "%", names.map((name, each) => [`d${each}`, name])),
  );
  const { head, samples } = ordinary();
  const { next } = chance(11);
  return {
    head: { ...head, catalog },
    tables: [],
    samples: samples.slice(0, SECONDS).map(({ t }) => ({
      t,
      ...Object.fromEntries(catalog.map(({ id }) => [id, names.map(() => Math.round(next() * 10_000) / 100)])),
    })),
  };
}

/**
 * The ordinary machine, but with the first so many charts only.
 * @param {number} charts
 * @returns {Recording}
 */
export function few(charts) {
  const { head, samples } = ordinary();
  const catalog = head.catalog.slice(0, charts);
  const ids = new Set(["t", ...catalog.map(({ id }) => id)]);
  return {
    head: { ...head, catalog },
    tables: [],
    samples: samples.map(
      (sample) => /** @type {typeof sample} */ (Object.fromEntries(Object.entries(sample).filter(([id]) => ids.has(id)))),
    ),
  };
}
