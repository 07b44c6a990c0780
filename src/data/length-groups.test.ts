import { describe, expect, test } from "vitest";
import { mulberry32 } from "../primitives/index.ts";
import type { TokenBatch } from "./collate.ts";
import type { Source } from "./example.ts";
import { groupedByLength } from "./length-groups.ts";
import { mix, shuffled } from "./order.ts";
import { tokenReader } from "./reader.ts";
import type { TokenRow } from "./token-row.ts";

/** Rows that are numbers, of 5 to 64 tokens. */
function rowsOf(length: number, first = 0): Source<number> {
  const random = mulberry32(length);
  const tokens = Array.from({ length }, () => 5 + Math.floor(60 * random() ** 2));
  return { length, example: (row) => first + row, tokensOf: (row) => tokens[row] };
}
const grouping = { window: 64, batch: 16, seed: 3 };
const take = async (source: Source<number>, from: number, count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => source.example(from + i)));
const sorted = (rows: readonly number[]): number[] => rows.toSorted((a, b) => a - b);
const upTo = (count: number, first = 0): number[] => Array.from({ length: count }, (_, i) => first + i);

/** After every update no row has come twice more often than another. */
function expectEvenly(all: readonly number[], rows: readonly number[]): void {
  const counts = new Map(rows.map((row) => [row, 0]));
  for (let start = 0; start < all.length; start += grouping.batch) {
    for (const row of all.slice(start, start + grouping.batch)) {
      const count = counts.get(row);
      if (count !== undefined) counts.set(row, count + 1);
    }
    const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())];
    expect(most - least).toBeLessThan(2);
  }
}

describe("rows of like length come together", () => {
  test("each once an epoch, in another order every time, the same whichever is asked for first", async () => {
    const make = () => groupedByLength(shuffled(rowsOf(150), 5), grouping);
    const all = await take(make(), 0, 1200);
    expectEvenly(all, upTo(150));
    // Eight epochs are 75 updates.
    expect(all.slice(0, 600)).not.toEqual(all.slice(600));
    expect(await take(make(), 140, 40)).toEqual(all.slice(140, 180));
  });

  test("also of several files, whatever their weights", async () => {
    const files = [shuffled(rowsOf(30), 1), shuffled(rowsOf(170, 1000), 2)];
    const all = await take(groupedByLength(mix(files, [1, 3]), grouping), 0, 960);
    expectEvenly(all, upTo(30));
    expectEvenly(all, upTo(170, 1000));
  });

  test("with a window of one update it keeps its rows, the shortest first", async () => {
    const shuffledRows = shuffled(rowsOf(160), 5);
    const source = groupedByLength(shuffledRows, { ...grouping, window: 16 });
    const [own, grouped] = [await take(shuffledRows, 32, 16), await take(source, 32, 16)];
    expect(sorted(grouped)).toEqual(sorted(own));
    const lengths = upTo(16, 32).map((index) => source.tokensOf!(index));
    expect(lengths).toEqual(sorted(lengths));
  });

  test("a source without lengths is refused", () => {
    expect(() => groupedByLength(shuffled({ length: 2, example: (i) => i }, 1), grouping)).toThrow(
      /groupByLength: needs the lengths of rows/,
    );
  });
});

/** Two epochs read in micro-batches of four. */
async function batchesOf(source: Source<number>, parts: number): Promise<TokenBatch[][]> {
  const read = tokenReader(source, {
    batch: 16,
    microBatch: 4,
    tokensPerImage: 1,
    imageSize: 1,
    rounding: { tokens: 1 },
    encode: (row, index): TokenRow => {
      const ids = Array.from({ length: 1 + source.tokensOf!(index) }, () => row);
      return { ids, spans: [], lossMask: ids.map(() => true), pixels: [], name: String(row) };
    },
  });
  const updates: TokenBatch[][] = [];
  for (let position = 0; position < 320; position += 16) {
    const ofParts = await Promise.all(upTo(parts).map((index) => read(position, { index, count: parts })));
    updates.push(upTo(4).map((index) => ofParts[index % parts].batches[Math.floor(index / parts)]));
  }
  return updates;
}

test("of 6686 padded positions in two epochs 502 are left, and several processes read what one does", async () => {
  const shuffledRows = shuffled(rowsOf(160), 5);
  const padded = async (source: Source<number>): Promise<number> =>
    (await batchesOf(source, 1))
      .flat()
      .reduce((sum, { sizes, tokenCount }) => sum + sizes.rows * sizes.tokens - tokenCount, 0);
  const [alone, update, windows] = [
    await padded(shuffledRows),
    await padded(groupedByLength(shuffledRows, { ...grouping, window: 16 })),
    await padded(groupedByLength(shuffledRows, grouping)),
  ];
  expect({ alone, update, windows }).toEqual({ alone: 6686, update: 1878, windows: 502 });
  const source = groupedByLength(shuffledRows, grouping);
  const names = (updates: TokenBatch[][]) => updates.map((all) => all.map(({ rowNames }) => rowNames));
  expect(names(await batchesOf(source, 3))).toEqual(names(await batchesOf(source, 1)));
});
