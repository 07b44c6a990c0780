import { describe, expect, it } from "vitest";
import type { TokenRow } from "../../src/data/index.ts";
import { evenOrder, evenReader } from "./even-batches.ts";

const SIZES = { batch: 8, microBatch: 4 };
/** Of every 16 examples the first four have a picture. */
const sizeOf = (index: number) => ({
  images: index % 16 < 4 ? 1 : 0,
  length: index % 16 < 4 ? 40 : 40 + ((index * 7) % 13) * 20,
});

describe("even batches", () => {
  const order = evenOrder(sizeOf, { ...SIZES, group: 64 }, 1);
  const places = Array.from({ length: 128 }, (_, i) => order(i));

  it("show every example once", () => {
    expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: 128 }, (_, i) => i));
    expect(places).not.toEqual(evenOrder(sizeOf, { ...SIZES, group: 64 }, 2)(0));
  });

  it("have rows of as many pictures and of similar length", () => {
    let filled = 0;
    let padded = 0;
    for (let start = 0; start < places.length; start += 4) {
      const rows = places.slice(start, start + 4).map(sizeOf);
      expect(new Set(rows.map(({ images }) => images)).size).toBe(1);
      filled += rows.reduce((sum, { length }) => sum + length, 0);
      padded += 4 * Math.max(...rows.map(({ length }) => length));
    }
    expect(filled / padded).toBeGreaterThan(0.85);
  });

  it("are cut where they are long, and come in few sizes", async () => {
    const lengths = [50, 60, 61, 64, 300, 301, 310, 319];
    const rowOf = (length: number, name: string): TokenRow => ({
      ids: new Array<number>(length + 1).fill(3),
      spans: [],
      lossMask: [],
      pixels: [],
      name,
    });
    const collated: [rows: number, tokens: number][] = [];
    const reader = evenReader(
      { length: 8, example: (index) => lengths[index] },
      {
        batch: 8,
        microBatch: 4,
        encode: rowOf,
        collate: (rows, { tokens }) => {
          collated.push([rows.length, tokens!]);
          return {
            sizes: { rows: 0, tokens: 0, images: 0, losses: 0 },
            feeds: {},
            labelCount: 0,
            tokenCount: 0,
            rowsWithoutLabels: [],
          };
        },
      },
    );
    const { batches, next } = await reader(0);
    expect(next).toBe(8);
    expect(batches).toHaveLength(2);
    expect(collated).toEqual([
      [4, 64],
      [4, 320],
    ]);
  });
});
