import { describe, expect, it } from "vitest";
import { LruCache } from "../primitives/index.ts";
import { mix, shuffled, subset, windowBytes } from "./order.ts";

const numbers = (length: number, offset = 0) => ({ length, example: (i: number) => i + offset });

describe("shuffled", () => {
  it("gives every row once an epoch, in another order each time, the same for the same seed", async () => {
    const source = shuffled(numbers(50), 7);
    const epoch = (e: number) => Array.from({ length: 50 }, (_, i) => source.example(e * 50 + i));
    const [first, second] = [epoch(0), epoch(1)];
    expect([...first].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(second).not.toEqual(first);
    expect(epoch(0)).toEqual(first);
    expect(
      shuffled(numbers(50), 8).example(0) === first[0] && shuffled(numbers(50), 9).example(1) === first[1],
    ).toBe(false);
  });

  it("goes by groups where rows are read so: two windows of them in memory, each group is read once an epoch", () => {
    const sizes = [40, 7, 30, 12, 25, 18, 33, 5, 21, 9];
    let start = 0;
    const groups = sizes.map((rows) => {
      start += rows;
      return { start: start - rows, end: start, bytes: (rows * windowBytes) / 60 };
    });
    const rows = shuffled({ ...numbers(200), groups }, 7);
    const orders = [0, 1].map((epoch) =>
      Array.from({ length: 200 }, (_, i) => Number(rows.example(200 * epoch + i))),
    );
    expect(orders[1]).not.toEqual(orders[0]);
    for (const order of orders) {
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
      const kept = new LruCache<number, number>({ limit: 2 * windowBytes, weightOf: (bytes) => bytes });
      let reads = 0;
      for (const row of order) {
        const at = groups.findIndex(({ end }) => row < end);
        if (kept.get(at) !== undefined) continue;
        reads++;
        kept.set(at, groups[at].bytes);
      }
      expect(reads).toBe(10);
      const neighbours = order.filter((row, i) => row + 1 === order[i + 1]);
      expect(neighbours.length).toBeLessThan(20);
    }
  });

  it("refuses a source without rows", () => {
    expect(() => shuffled(numbers(0), 1)).toThrow(/at least one row, got 0/);
  });
});

describe("mix", () => {
  const endless = (offset: number) => numbers(Number.POSITIVE_INFINITY, offset);

  it("alternates two equal shares", () => {
    const mixed = mix([endless(0), endless(100)], [1, 1]);
    expect([0, 1, 2, 3].map((i) => mixed.example(i))).toEqual([0, 100, 1, 101]);
  });

  it("keeps shares in every stretch and passes over no row", () => {
    const mixed = mix([endless(0), endless(1e6)], [0.35, 0.65]);
    const taken = Array.from({ length: 200 }, (_, i) => Number(mixed.example(i)));
    const first = taken.filter((value) => value < 1e6);
    expect(first).toEqual(Array.from({ length: 70 }, (_, i) => i));
    expect(taken.slice(0, 20).filter((value) => value < 1e6)).toHaveLength(7);
  });

  it("reads every source, however far apart the weights are", () => {
    for (const weights of [
      [10_000_000, 5],
      [5, 10_000_000],
      [1e-9, 1],
      [1, 1e12],
      [4_000_000, 4_000_000, 3],
    ]) {
      const mixed = mix(
        weights.map((_, i) => endless(i * 1e6)),
        weights,
      );
      const taken = Array.from({ length: 1001 + weights.length }, (_, i) =>
        Math.floor(Number(mixed.example(i)) / 1e6),
      );
      expect(new Set(taken).size, String(weights)).toBe(weights.length);
    }
  });

  it("names a source that ends and a weight that is not positive", () => {
    expect(() => mix([numbers(3)], [1])).toThrow(/source 0 ends after 3 rows/);
    expect(() => mix([endless(0)], [0])).toThrow(/positive weight/);
  });
});

describe("rows", () => {
  it("is a part of a source", () => {
    const part = subset(numbers(10), 4, 20);
    expect([part.length, part.example(0)]).toEqual([6, 4]);
  });
});
