// What a stream must keep up behind every proxy: it begins at once, and each event comes when it is due.

import { expect } from "@playwright/test";
import { openStream } from "../fixtures/events.ts";

const AT_ONCE_MS = 1_000;
const SAMPLES = 10;
/** A machine may be busy now and then. */
const SINGLY = 8;

/** The first event is there in less than a second, the best of three. */
export async function expectAtOnce(url: string, headers: Record<string, string> = {}): Promise<void> {
  const taken: number[] = [];
  while (taken.length < 3 && !taken.some((ms) => ms < AT_ONCE_MS)) {
    const stream = await openStream(url, headers);
    for await (const { at } of stream) {
      taken.push(at - stream.asked);
      break;
    }
    stream.close();
  }
  expect(Math.min(...taken), `ms until the first event: ${taken.join(", ")}`).toBeLessThan(AT_ONCE_MS);
}

/** Ten samples come one by one, each soon after its tick, and none is missed or doubled. */
export async function expectOneByOne(url: string, headers: Record<string, string> = {}): Promise<void> {
  const stream = await openStream(url, headers);
  const pieces: { ticks: number[]; lateness: number }[] = [];
  for await (const { at, events } of stream) {
    const ticks = events.filter(({ event }) => event === "sample").map(({ data }) => (JSON.parse(data) as { t: number }).t);
    if (ticks.length > 0) pieces.push({ ticks, lateness: at - Math.max(...ticks) });
    if (pieces.flatMap(({ ticks }) => ticks).length > SAMPLES) break;
  }
  stream.close();
  // The first one is what was there already.
  const ticks = pieces.flatMap((piece) => piece.ticks);
  expect(ticks).toEqual(ticks.map((_, index) => (ticks[0] ?? 0) + index * 1_000));
  const singly = pieces.slice(1).filter((piece) => piece.ticks.length === 1 && piece.lateness < AT_ONCE_MS);
  expect(singly.length, `that came alone and soon: ${JSON.stringify(pieces)}`).toBeGreaterThanOrEqual(SINGLY);
}
