import { LruCache, permutation, seedOf } from "../primitives/index.ts";
import { DataError, reordered, type Source } from "./example.ts";

export interface LengthGrouping {
  /** So many rows in the source's order are looked at together. */
  readonly window: number;
  /** Rows an update. */
  readonly batch: number;
  readonly seed: number;
}

/** Of windows and of updates so many are remembered: the ones that are read, and those before. */
const remembered = 2;

/**
 * The same rows, those of like length in one update: the rows of a window are dealt out by their length to its updates, whose order
 * is random, and each update's rows are in the order of their lengths, so that micro-batches of any size have little padding. A window
 * of one update leaves every update its own rows. Windows end where a file's epoch does, so that each row still comes once an
 * epoch; an update in which one ends has rows of both. Which row comes when depends on the source, the seed and its index alone.
 *
 * @throws DataError where the rows' lengths are not known
 */
export function groupedByLength<T>(source: Source<T>, grouping: LengthGrouping): Source<T> {
  const { tokensOf } = source;
  if (tokensOf === undefined)
    throw new DataError("groupByLength: needs the lengths of rows, got a source without tokensOf");
  const { batch } = grouping;
  const lengthOf = (place: number): number => tokensOf.call(source, place);
  const windows = new LruCache<number, Float64Array>({ limit: remembered });
  let window: Stretch = { start: 0, end: 0 };
  const dealtTo = (index: number): number => {
    if (index < window.start || index >= window.end) window = windowOf(source, index, grouping);
    const places = windows.get(window.start) ?? dealt(window, lengthOf, grouping);
    windows.set(window.start, places);
    return places[index - window.start];
  };
  const updates = new LruCache<number, Float64Array>({ limit: remembered });
  const place = (index: number): number => {
    const update = Math.floor(index / batch);
    const places =
      updates.get(update) ??
      byLength(
        Float64Array.from({ length: batch }, (_, i) => dealtTo(update * batch + i)),
        lengthOf,
      );
    updates.set(update, places);
    return places[index % batch];
  };
  return {
    length: source.length,
    example: (index) => source.example(place(index)),
    ...reordered(source, place),
  };
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** The window that an index lies in. */
function windowOf<T>(source: Source<T>, index: number, { window }: LengthGrouping): Stretch {
  const { start: first, end: last } = source.epochOf?.(index) ?? { start: 0, end: Number.POSITIVE_INFINITY };
  const start = first + Math.floor((index - first) / window) * window;
  return { start, end: Math.min(start + window, last) };
}

/** The places of a window's rows, in the order in which they are learned: updates' parts of the window get neighbours by length. */
function dealt(
  { start, end }: Stretch,
  lengthOf: (place: number) => number,
  { batch, seed }: LengthGrouping,
): Float64Array {
  const parts: Stretch[] = [];
  for (let at = start; at < end; ) {
    const until = Math.min(end, (Math.floor(at / batch) + 1) * batch);
    parts.push({ start: at, end: until });
    at = until;
  }
  const rows = byLength(
    Float64Array.from({ length: end - start }, (_, i) => start + i),
    lengthOf,
  );
  const places = new Float64Array(end - start);
  let taken = 0;
  for (const which of permutation(parts.length, seedOf("lengths", seed, start))) {
    const part = parts[which];
    const count = part.end - part.start;
    places.set(rows.subarray(taken, taken + count), part.start - start);
    taken += count;
  }
  return places;
}

/** The same places, those of shorter rows first. */
function byLength(places: Float64Array, lengthOf: (place: number) => number): Float64Array {
  return places.sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
}
