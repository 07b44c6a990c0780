import { type CollateOptions, collate, type TokenBatch } from "./collate.ts";
import { collateDense, type DenseBatch } from "./dense.ts";
import { DataError, type Example, rowName, type Source } from "./example.ts";
import { joinedRows } from "./packing.ts";
import { collatePairs, type PairExample, type PairRow } from "./pairs.ts";
import type { TokenRow } from "./token-row.ts";

/** The batches whose gradients are accumulated into one update of the weights. */
export interface AccumulatedBatches<B> {
  /** Micro-batches; every label of all of them has the same weight in the loss. */
  readonly batches: readonly B[];
  /** Index of the first example that the next update sees. */
  readonly next: number;
  /** The part of the update's micro-batches that these are; absent: they are all of them. */
  readonly part?: Part | undefined;
}

/** A process's part of what several processes divide: each item whose index leaves the remainder `index`. */
export interface Part {
  /** From 0 on. */
  readonly index: number;
  readonly count: number;
}

/** Whether an item is in a part. */
export const isInPart = (item: number, { index, count }: Part): boolean => item % count === index;

/**
 * A data loader: reads the batches of the update that begins at an example's index; they depend on that index alone, so a run
 * resumes exactly. A reader may pass over the micro-batches that are not in `part`: what it gives then says so by its `part`.
 */
export type Reader<B> = (position: number, part?: Part) => Promise<AccumulatedBatches<B>>;

/** Turns an example into tokens and pixels. */
export type RowEncoder<E = Example, R = TokenRow> = (
  example: E,
  index: number,
  name: string,
) => R | Promise<R>;

export interface ReaderOptions {
  /** Rows an update. */
  readonly batch: number;
  /** Rows that are computed at once; all if absent. */
  readonly microBatch?: number | undefined;
  /** Rows that are read at the same time, so that a source or encoder with threads is kept busy; 1 if absent. */
  readonly rowsAhead?: number | undefined;
}

export interface TokenReaderOptions<E = Example> extends ReaderOptions, CollateOptions {
  readonly encode: RowEncoder<E>;
  /**
   * Fill every row with as many examples as fit into this many tokens, each of which sees those in front of it; one example a row
   * if absent.
   */
  readonly packTokens?: number | undefined;
}

/** Reads token rows; a finite source ends in an error that says so. */
export function tokenReader<E>(source: Source<E>, options: TokenReaderOptions<E>): Reader<TokenBatch> {
  const { batch, microBatch = batch, encode, packTokens, rowsAhead = 1 } = options;
  const rowAt = async (index: number): Promise<TokenRow> => {
    requireRow(source, index);
    return encode(await source.example(index), index, rowName(source, index));
  };
  return async (position, part = whole) => {
    if (packTokens) {
      // Which rows the later ones are depends on the lengths of the earlier ones.
      const { rows, next } = await packedRows(rowAt, position, batch, packTokens);
      const own = microBatchesOf(rows, microBatch).filter((_, index) => isInPart(index, part));
      return { batches: own.map((some) => collate(some, options)), next, part };
    }
    const own = await readOwn({ position, batch, microBatch, part, rowsAhead }, rowAt);
    return { batches: own.map((some) => collate(some, options)), next: position + batch, part };
  };
}

export interface PairReaderOptions<E = PairExample>
  extends ReaderOptions,
    Omit<CollateOptions, "sequenceTokens"> {
  readonly encode: RowEncoder<E, PairRow>;
}

/** Reads pairs of answers; a row of the options is a pair. */
export function pairReader<E>(source: Source<E>, options: PairReaderOptions<E>): Reader<TokenBatch> {
  const { batch, microBatch = batch, encode, rowsAhead = 1 } = options;
  return async (position, part = whole) => {
    const own = await readOwn({ position, batch, microBatch, part, rowsAhead }, async (index) => {
      requireRow(source, index);
      return encode(await source.example(index), index, rowName(source, index));
    });
    return { batches: own.map((some) => collatePairs(some, options)), next: position + batch, part };
  };
}

export interface DenseReaderOptions<T> extends ReaderOptions {
  readonly imageSize: number;
  readonly patches: number;
  readonly encode: (example: T) => { readonly pixels: Float32Array; readonly labels: Uint16Array };
}

/** Reads pictures with labelled patches. */
export function denseReader<T>(source: Source<T>, options: DenseReaderOptions<T>): Reader<DenseBatch> {
  const { batch, microBatch = batch, encode, rowsAhead = 1 } = options;
  return async (position, part = whole) => {
    const own = await readOwn({ position, batch, microBatch, part, rowsAhead }, async (index) => {
      requireRow(source, index);
      return { ...encode(await source.example(index)), name: rowName(source, index) };
    });
    return { batches: own.map((some) => collateDense(some, options)), next: position + batch, part };
  };
}

const whole: Part = { index: 0, count: 1 };

interface OwnRows {
  readonly position: number;
  readonly batch: number;
  readonly microBatch: number;
  readonly part: Part;
  readonly rowsAhead: number;
}

/** Reads the rows of an update's micro-batches, of those alone that are in the part. */
async function readOwn<T>(
  { position, batch, microBatch, part, rowsAhead }: OwnRows,
  rowAt: (index: number) => Promise<T>,
): Promise<T[][]> {
  const indices = Array.from({ length: batch }, (_, i) => position + i);
  const own = microBatchesOf(indices, microBatch).filter((_, index) => isInPart(index, part));
  const read = await inOrder(own.flat(), rowAt, rowsAhead);
  return own.map((rows) => read.splice(0, rows.length));
}

function requireRow<T>(source: Source<T>, index: number): void {
  if (index >= source.length) {
    throw new DataError(
      `data: row ${index} is asked for, but the source ends after ${source.length}; give shuffled(source, seed), which does not end`,
    );
  }
}

/** Reads rows, so many at the same time; the first one that fails decides the error, once none is under way. */
async function inOrder<T>(
  indices: readonly number[],
  rowAt: (index: number) => Promise<T>,
  ahead: number,
): Promise<T[]> {
  const begun: Promise<T>[] = [];
  const read: T[] = [];
  try {
    for (let i = 0; i < indices.length; i++) {
      while (begun.length < Math.min(indices.length, i + ahead)) {
        const row = rowAt(indices[begun.length]);
        row.catch(() => undefined);
        begun.push(row);
      }
      read.push(await begun[i]);
    }
    return read;
  } catch (error) {
    await Promise.allSettled(begun);
    throw error;
  }
}

async function packedRows(
  rowAt: (index: number) => Promise<TokenRow>,
  position: number,
  count: number,
  tokens: number,
): Promise<{ rows: TokenRow[]; next: number }> {
  const rows: TokenRow[] = [];
  let next = position;
  while (rows.length < count) {
    let row = await rowAt(next++);
    for (;;) {
      const further = await rowAt(next);
      if (row.ids.length + further.ids.length > tokens + 1) break;
      row = joinedRows([row, further]);
      next++;
    }
    rows.push(row);
  }
  return { rows, next };
}

function microBatchesOf<T>(rows: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
}
