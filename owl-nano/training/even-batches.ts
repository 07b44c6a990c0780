import {
  type Reader,
  type Rounding,
  rowName,
  type Source,
  type TokenBatch,
  type TokenRow,
} from "../../src/data/index.ts";
import { randomFor } from "../random.ts";

/** What a row's place among the others depends on. */
export interface RowSize {
  readonly images: number;
  /** Characters of its text. */
  readonly length: number;
}

/** Rows an update, and rows whose sizes are alike; `group` rows are ordered together. */
export interface Grouping {
  readonly batch: number;
  readonly microBatch: number;
  readonly group: number;
}

const CHARACTERS_A_TOKEN = 4;
const TOKENS_A_PICTURE = 73;

/**
 * An order of examples in which each micro-batch holds texts of as many pictures and of similar length, so that little is padding
 * and few programs are compiled. Within a group every example comes once; the updates are shuffled.
 *
 * @param grouping its group must hold whole micro-batches of each number of pictures
 * @returns the example to show at place `index`
 */
export function evenOrder(
  sizeOf: (index: number) => RowSize,
  { batch, microBatch, group }: Grouping,
  seed: number,
): (index: number) => number {
  let known = { number: -1, order: [] as number[] };
  const orderOf = (number: number): number[] => {
    if (known.number === number) return known.order;
    const members = Array.from({ length: group }, (_, i) => {
      const index = number * group + i;
      const { images, length } = sizeOf(index);
      return { index, images, tokens: length / CHARACTERS_A_TOKEN + images * TOKENS_A_PICTURE };
    });
    members.sort((a, b) => a.images - b.images || a.tokens - b.tokens || a.index - b.index);
    // Micro-batches of one update run side by side, so they are of similar length too.
    const micro = chunks(members, microBatch).sort((a, b) => a.at(-1)!.tokens - b.at(-1)!.tokens);
    const updates = chunks(micro, batch / microBatch);
    const order = randomFor(seed, "lengths", number)
      .shuffle(updates)
      .flat(2)
      .map(({ index }) => index);
    known = { number, order };
    return order;
  };
  return (index) => orderOf(Math.floor(index / group))[index % group];
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

/** The lengths that rows are padded to: each is a program to compile, which keeps its memory. */
const LENGTHS = [32, 64, 96, 128, 176, 240, 320, 432, 576, 768, 1024];

/** Tokens that are computed at once by one replica, padding included: some 500 MB. */
const TOKENS_AT_ONCE = 2304;

export interface EvenReaderOptions<E, R extends TokenRow> extends Omit<Grouping, "group"> {
  readonly encode: (example: E, name: string) => R;
  readonly collate: (rows: readonly R[], rounding: Rounding) => TokenBatch;
}

/** Reads rows of an even order. Micro-batches of long rows are cut, so that each takes about as much memory. */
export function evenReader<E, R extends TokenRow>(
  source: Source<E>,
  { batch, microBatch, encode, collate }: EvenReaderOptions<E, R>,
): Reader<TokenBatch> {
  return async (position) => {
    const rows: R[] = [];
    for (let index = position; index < position + batch; index++)
      rows.push(encode(await source.example(index), rowName(source, index)));
    const batches = chunks(rows, microBatch).flatMap((micro) => {
      const tokens = paddedLength(Math.max(...micro.map(({ ids }) => ids.length - 1)));
      const atOnce = rowsAtOnce(tokens, microBatch);
      // Logits are computed for half of the positions or for all: again few programs.
      const rounding = { tokens, losses: (atOnce * tokens) / 2 };
      return chunks(micro, atOnce).map((some) => collate(some, rounding));
    });
    return { batches, next: position + batch };
  };
}

function paddedLength(tokens: number): number {
  return LENGTHS.find((length) => length >= tokens) ?? tokens;
}

function rowsAtOnce(tokens: number, microBatch: number): number {
  let rows = microBatch;
  while (rows > 1 && rows * tokens > TOKENS_AT_ONCE) rows = Math.ceil(rows / 2);
  return rows;
}
