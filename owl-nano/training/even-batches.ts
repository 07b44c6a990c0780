import {
  type AccumulatedBatches,
  type Reader,
  type Rounding,
  rowName,
  type Source,
  type TokenBatch,
  type TokenRow,
} from "../../src/data/index.ts";
import { randomFor } from "../random.ts";

/** The lengths that rows are padded to: each is a program to compile, which keeps its memory. */
const LENGTHS = [56, 80, 112, 176, 240, 336, 576, 1024];

export interface EvenReaderOptions<E, R extends TokenRow> {
  /** Examples that are put into batches together. */
  readonly group: number;
  /** Tokens of a micro-batch, padding included. */
  readonly tokensAtOnce: number;
  /** Micro-batches an update, about. */
  readonly microBatches: number;
  readonly seed: number;
  readonly encode: (example: E, name: string) => R;
  readonly collate: (rows: readonly (R | TokenRow)[], rounding: Rounding) => TokenBatch;
}

/** Rows that are computed at once: of as many pictures each, of similar length. */
interface MicroBatch<R> {
  readonly rows: readonly R[];
  /** Rows that it is filled up to. */
  readonly size: number;
  /** Pictures of each row. */
  readonly images: number;
  /** Length that they are padded to. */
  readonly tokens: number;
}

/** A row that fills a micro-batch up and teaches nothing. */
const FILLER: TokenRow = { ids: [0, 0], lossMask: [false, false], spans: [], pixels: [], name: "" };

/**
 * Reads rows in batches of similar length, so that little is padding and few programs are compiled. The examples of a group are
 * sorted by their pictures and lengths and cut into micro-batches of about as many tokens, which are shuffled; so an update has many
 * short rows or few long ones. Every example comes once.
 */
export function evenReader<E, R extends TokenRow>(
  source: Source<E>,
  options: EvenReaderOptions<E, R>,
): Reader<TokenBatch> {
  const { group, seed, microBatches, tokensAtOnce } = options;
  let known = { number: -1, updates: new Map<number, readonly MicroBatch<R>[]>() };
  return async (position): Promise<AccumulatedBatches<TokenBatch>> => {
    const number = Math.floor(position / group);
    if (known.number !== number) {
      const micro = cut(await groupRows(source, number, options), tokensAtOnce);
      const shuffled = randomFor(seed, "micro-batches", number).shuffle(micro);
      known = { number, updates: updatesOf(shuffled, microBatches, number * group) };
    }
    const update = known.updates.get(position);
    if (update === undefined)
      throw new RangeError(
        `batches: an update must begin at example ${position}, got none; begin the stage anew where its recipe has changed`,
      );
    return { batches: update.map((micro) => filledBatch(micro, options)), next: position + rowCount(update) };
  };
}

async function groupRows<E, R extends TokenRow>(
  source: Source<E>,
  number: number,
  { group, encode }: EvenReaderOptions<E, R>,
): Promise<R[]> {
  const rows: R[] = [];
  for (let index = number * group; index < (number + 1) * group; index++)
    rows.push(encode(await source.example(index), rowName(source, index)));
  return rows;
}

const lengthOf = ({ ids }: TokenRow): number => ids.length - 1;

/** Rows as micro-batches, the longest first. */
function cut<R extends TokenRow>(rows: readonly R[], tokensAtOnce: number): MicroBatch<R>[] {
  const sorted = [...rows].sort((a, b) => b.spans.length - a.spans.length || lengthOf(b) - lengthOf(a));
  const micro: MicroBatch<R>[] = [];
  for (let start = 0; start < sorted.length; start += micro.at(-1)!.rows.length) {
    const images = sorted[start].spans.length;
    const tokens = paddedLength(lengthOf(sorted[start]));
    const size = Math.max(1, Math.floor(tokensAtOnce / tokens));
    const rows = sorted.slice(start, start + size).filter(({ spans }) => spans.length === images);
    micro.push({ rows, size, images, tokens });
  }
  return micro;
}

function paddedLength(tokens: number): number {
  return LENGTHS.find((length) => length >= tokens) ?? tokens;
}

/** Micro-batches by update, under the position at which the update begins. */
function updatesOf<R>(
  micro: readonly MicroBatch<R>[],
  each: number,
  start: number,
): Map<number, readonly MicroBatch<R>[]> {
  const count = Math.max(1, Math.round(micro.length / each));
  const updates = new Map<number, readonly MicroBatch<R>[]>();
  let position = start;
  for (let u = 0; u < count; u++) {
    const update = micro.slice(
      Math.floor((u * micro.length) / count),
      Math.floor(((u + 1) * micro.length) / count),
    );
    updates.set(position, update);
    position += rowCount(update);
  }
  return updates;
}

function rowCount<R>(update: readonly MicroBatch<R>[]): number {
  return update.reduce((sum, { rows }) => sum + rows.length, 0);
}

/** A micro-batch of one of few sizes: logits are computed for half of its positions or for all. */
function filledBatch<E, R extends TokenRow>(
  { rows, size, images, tokens }: MicroBatch<R>,
  { collate }: EvenReaderOptions<E, R>,
): TokenBatch {
  const filled = [...rows, ...new Array<TokenRow>(size - rows.length).fill(FILLER)];
  const rounding = { tokens, losses: (size * tokens) / 2, images: Math.max(1, size * images) };
  const batch = collate(filled, rounding);
  return { ...batch, rowsWithoutLabels: batch.rowsWithoutLabels.filter((name) => name !== FILLER.name) };
}
