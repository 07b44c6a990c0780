import { describe, expect, it } from "vitest";
import { collate, type TokenBatch, type TokenRow } from "../../src/data/index.ts";
import { evenReader } from "./even-batches.ts";

const PICTURE = 3;
/** Every fourth example has a picture; a few are long. */
const rowOf = (index: number): TokenRow => {
  const images = index % 4 === 0 ? 1 : 0;
  const length = (index % 16 === 5 ? 90 : 36 + ((index * 7) % 40)) + PICTURE * images;
  return {
    ids: new Array<number>(length + 1).fill(1000 + index),
    spans: images > 0 ? [{ kind: "image", start: 1, length: PICTURE }] : [],
    lossMask: Array.from({ length: length + 1 }, (_, i) => i > length - 5),
    pixels: images > 0 ? [new Float32Array(12)] : [],
    name: `row ${index}`,
  };
};

const reader = (seed: number) =>
  evenReader(
    { length: Number.POSITIVE_INFINITY, example: rowOf },
    {
      group: 64,
      microBatches: 2,
      tokensAtOnce: 256,
      seed,
      encode: (row) => row,
      collate: (rows, rounding) => collate(rows, { tokensPerImage: PICTURE, imageSize: 2, rounding }),
    },
  );

async function readGroups(seed: number, groups: number): Promise<TokenBatch[][]> {
  const read = reader(seed);
  const updates: TokenBatch[][] = [];
  for (let position = 0; position < 64 * groups; ) {
    const { batches, next } = await read(position);
    updates.push([...batches]);
    position = next;
  }
  return updates;
}

/** The rows of a batch, by the number that all of their tokens have. */
function rowsIn({ feeds, sizes }: TokenBatch): number[] {
  const ids = feeds.input_ids.data as BigInt64Array;
  return Array.from({ length: sizes.rows }, (_, row) => Number(ids[row * sizes.tokens]) - 1000).filter(
    (row) => row >= 0,
  );
}

describe("even batches", () => {
  it("show every example once, in another order for another seed", async () => {
    const [one, other] = [await readGroups(1, 2), await readGroups(2, 2)].map((updates) =>
      updates.flat().flatMap(rowsIn),
    );
    expect([...one].sort((a, b) => a - b)).toEqual(Array.from({ length: 128 }, (_, i) => i));
    expect(other).not.toEqual(one);
  });

  it("have rows of as many pictures, little padding and few sizes", async () => {
    const batches = (await readGroups(1, 4)).flat();
    for (const batch of batches) {
      const pictures = rowsIn(batch).filter((row) => row % 4 === 0).length;
      expect([0, rowsIn(batch).length]).toContain(pictures);
      expect(batch.sizes.rows * batch.sizes.tokens).toBeLessThanOrEqual(256);
      expect(batch.rowsWithoutLabels).toEqual([]);
    }
    const filled = batches.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
    const padded = batches.reduce((sum, { sizes }) => sum + sizes.rows * sizes.tokens, 0);
    expect(filled / padded).toBeGreaterThan(0.7);
    expect(new Set(batches.map(({ sizes }) => JSON.stringify(sizes))).size).toBeLessThanOrEqual(8);
  });

  it("go on at any update, and refuse what is none", async () => {
    const first = reader(1);
    const { next } = await first(0);
    const second = await first(next);
    expect((await reader(1)(next)).batches.map(rowsIn)).toEqual(second.batches.map(rowsIn));
    await expect(first(next + 1)).rejects.toThrow(`an update must begin at example ${next + 1}`);
  });
});
