// Chance that is the same on every run, so that a failing test fails again.

/** @param {number} seed */
export function chance(seed) {
  let state = seed >>> 0;
  /** From 0 to 1 (mulberry32). */
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  /** @type {Map<string, number>} */
  const walks = new Map();
  return {
    next,
    /** Whether something happens that does so with this probability. */
    once: (/** @type {number} */ probability) => next() < probability,
    /** A factor that wanders around 1, one walk a name. */
    wander: (/** @type {string} */ name, /** @type {number} */ spread) => {
      const walk = 0.85 * (walks.get(name) ?? 0) + (next() - 0.5) * spread;
      walks.set(name, walk);
      return Math.max(0, 1 + walk);
    },
  };
}
