import { permutation, seedOf } from "../primitives/index.ts";
import { DataError, type RowGroup, reordered, rowName, type Source } from "./example.ts";

/**
 * Groups of rows that are shuffled together may take so much memory, in bytes; two such windows are in memory where one ends and
 * the next begins.
 */
export const windowBytes = 2 ** 27;

/**
 * The rows of a finite source in a new random order every epoch, without end. Where rows are read by groups, the groups come in a
 * random order, and rows are in random order among neighbouring groups that fit into memory together: each is read once an epoch.
 */
export function shuffled<T>(source: Source<T>, seed: number): Source<T> {
  const { length } = source;
  if (!Number.isSafeInteger(length) || length < 1) {
    throw new DataError(`shuffled: needs a finite source of at least one row, got ${length} rows`);
  }
  let known: { epoch: number; order: Uint32Array } = { epoch: -1, order: new Uint32Array(0) };
  const place = (index: number): number => {
    const epoch = Math.floor(index / length);
    if (epoch !== known.epoch) known = { epoch, order: orderOf(source, seedOf("epoch", seed, epoch)) };
    return known.order[index % length];
  };
  return {
    length: Number.POSITIVE_INFINITY,
    example: (index) => source.example(place(index)),
    ...reordered(source, place),
    epochOf: (index) => {
      const start = Math.floor(index / length) * length;
      return { start, end: start + length };
    },
  };
}

function orderOf<T>({ length, groups }: Source<T>, seed: number): Uint32Array {
  if (groups === undefined) return permutation(length, seed);
  const order = new Uint32Array(length);
  let filled = 0;
  for (const window of windowsOf(groups, seed)) {
    const rows = window.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
    for (const place of permutation(rows.length, seedOf("window", seed, filled))) {
      order[filled++] = rows[place];
    }
  }
  return order;
}

/** Groups in a random order, together as many as fit into memory. */
function windowsOf(groups: readonly RowGroup[], seed: number): RowGroup[][] {
  const windows: RowGroup[][] = [];
  let room = 0;
  for (const which of permutation(groups.length, seed)) {
    const group = groups[which];
    if (windows.length === 0 || group.bytes > room) {
      windows.push([]);
      room = windowBytes;
    }
    windows[windows.length - 1].push(group);
    room -= group.bytes;
  }
  return windows;
}

/** Rows start ≤ index < end of a source. */
export function subset<T>(source: Source<T>, start: number, end: number): Source<T> {
  return {
    length: Math.max(0, Math.min(end, source.length) - start),
    example: (index) => source.example(start + index),
    ...reordered(source, (index) => start + index),
  };
}

const longestSchedule = 1000;

/**
 * Interleaves endless sources by sampling weights (any positive numbers), as evenly as can be in every part of the result: `mix([text, pictures], [1, 1])` alternates, and a batch of 256 holds 128 of each.
 * Of every source at least one row in about a thousand comes.
 */
export function mix<T>(sources: readonly Source<T>[], weights: readonly number[]): Source<T> {
  if (sources.length === 0 || sources.length !== weights.length || weights.some((weight) => !(weight > 0))) {
    throw new DataError(
      `mix: needs one positive weight a source, got ${sources.length} sources and weights [${weights}]`,
    );
  }
  for (const [i, source] of sources.entries()) {
    if (Number.isFinite(source.length)) {
      throw new DataError(
        `mix: source ${i} ends after ${source.length} rows; give shuffled(source, seed), which does not end`,
      );
    }
  }
  const schedule = roundRobin(wholeWeights(weights));
  const rounds: Rounds = {
    length: schedule.length,
    places: sources.map((_, source) => [...schedule.keys()].filter((at) => schedule[at].which === source)),
  };
  const place = (index: number): { source: Source<T>; row: number } => {
    const { which, rank, count } = schedule[index % schedule.length];
    return { source: sources[which], row: Math.floor(index / schedule.length) * count + rank };
  };
  return {
    length: Number.POSITIVE_INFINITY,
    example: (index) => {
      const { source, row } = place(index);
      return source.example(row);
    },
    nameOf: (index) => {
      const { source, row } = place(index);
      return rowName(source, row);
    },
    ...(sources.every(({ tokensOf }) => tokensOf !== undefined) && {
      tokensOf: (index) => {
        const { source, row } = place(index);
        return source.tokensOf!(row);
      },
    }),
    epochOf: (index) => commonEpoch(sources, rounds, index),
  };
}

/** Where each source's rows stand in a schedule of so many. */
interface Rounds {
  readonly length: number;
  readonly places: readonly (readonly number[])[];
}

/** The stretch around an index of a mixed source in which no source begins another epoch. */
function commonEpoch<T>(
  sources: readonly Source<T>[],
  { length, places }: Rounds,
  index: number,
): { readonly start: number; readonly end: number } {
  const round = Math.floor(index / length);
  const stretches = sources.map((source, which) => {
    const own = places[which];
    const placeOf = (row: number): number => Math.floor(row / own.length) * length + own[row % own.length];
    const next = round * own.length + own.filter((at) => at < index % length).length;
    const { start, end } = source.epochOf?.(next) ?? { start: 0, end: Number.POSITIVE_INFINITY };
    return {
      start: start === 0 ? 0 : placeOf(start - 1) + 1,
      end: end === Number.POSITIVE_INFINITY ? end : placeOf(end - 1) + 1,
    };
  });
  return {
    start: Math.max(...stretches.map(({ start }) => start)),
    end: Math.min(...stretches.map(({ end }) => end)),
  };
}

/**
 * The smallest whole numbers in the ratios of these weights; to the nearest thousandth where there are none. Each is at least one,
 * so that of a weight below a thousandth of all more is read than it says, and never nothing.
 */
function wholeWeights(weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  for (let length = weights.length; length < longestSchedule; length++) {
    const counts = weights.map((weight) => (weight * length) / sum);
    if (counts.every(isShare)) return counts.map(Math.round);
  }
  return weights.map((weight) => Math.max(1, Math.round((weight * longestSchedule) / sum)));
}

const isShare = (count: number): boolean =>
  Math.round(count) >= 1 && Math.abs(count - Math.round(count)) < 1e-6;

interface ScheduledRow {
  readonly which: number;
  /** How many earlier rows of the schedule are this source's. */
  readonly rank: number;
  /** How many rows of the schedule are this source's. */
  readonly count: number;
}

/** Smooth weighted round-robin: each row comes from the source that lags most behind its weight. */
function roundRobin(counts: readonly number[]): ScheduledRow[] {
  const length = counts.reduce((a, b) => a + b, 0);
  const credit = counts.map(() => 0);
  const taken = counts.map(() => 0);
  return Array.from({ length }, () => {
    for (const [i, count] of counts.entries()) credit[i] += count;
    const which = credit.indexOf(Math.max(...credit));
    credit[which] -= length;
    return { which, rank: taken[which]++, count: counts[which] };
  });
}
