// Figures: what many measurements come to, and how they are printed.

/** @param {number[]} values */
export const median = (values) => percentile(values, 0.5);

/**
 * @param {number[]} values
 * @param {number} share from 0 to 1
 */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * How steeply a line through the points rises, by least squares.
 * @param {[x: number, y: number][]} points
 */
export function slope(points) {
  const mean = (/** @type {0 | 1} */ axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const rise = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return rise / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

/**
 * Prints rows under their heads: the first column to the left, numbers to the right.
 * @param {string[]} head
 * @param {(string | number)[][]} rows
 */
export function table(head, rows) {
  const lines = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) {
    const cells = line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)));
    console.log(cells.join("  ").trimEnd());
  }
}

/** The figure beside what it must reach. */
export function verdict(/** @type {string} */ what, /** @type {number} */ figure, /** @type {number} */ limit, unit = "") {
  const word = figure <= limit ? "reached" : "MISSED";
  console.log(`${word.padEnd(8)} ${what}: ${round(figure)}${unit}, the limit is ${limit}${unit}`);
}

/** Two or three digits that mean something. */
export function round(/** @type {number} */ figure) {
  if (figure !== 0 && Math.abs(figure) < 0.01) return figure.toPrecision(2);
  return Math.abs(figure) >= 100 ? figure.toFixed(0) : Math.abs(figure) >= 10 ? figure.toFixed(1) : figure.toFixed(2);
}

export const MIB = 1024 * 1024;
