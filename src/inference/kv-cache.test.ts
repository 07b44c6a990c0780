import { expect, test } from "vitest";
import { allocate } from "../tensor/index.ts";
import { KvCache } from "./kv-cache.ts";

const sizes = { layers: 2, keyValueHeads: 2, headDim: 3, maxPositions: 1000 };

/** A cache whose every entry says where it was written: row, head, position and buffer. */
function filled(lengths: readonly number[]): KvCache {
  const cache = new KvCache(sizes, lengths.length, (dims) => allocate("float32", dims));
  cache.reserve(Math.max(...lengths));
  cache.setLengths(lengths);
  for (const [i, buffer] of cache.buffers.entries()) {
    for (const [row, length] of lengths.entries()) {
      for (let head = 0; head < 2; head++) {
        for (let position = 0; position < length; position++) {
          const at = ((row * 2 + head) * cache.capacity + position) * 3;
          buffer.data.fill(i * 1e6 + row * 1e5 + head * 1e4 + position, at, at + 3);
        }
      }
    }
  }
  return cache;
}

function contents(cache: KvCache): number[][] {
  return cache.buffers.map((buffer) =>
    cache.lengths.flatMap((length, row) =>
      [0, 1].flatMap((head) => {
        const at = (row * 2 + head) * cache.capacity * 3;
        return Array.from(buffer.data.subarray(at, at + length * 3));
      }),
    ),
  );
}

test("growing keeps what is there", () => {
  const cache = filled([50, 10]);
  const before = contents(cache);
  cache.reserve(65);
  expect(cache.capacity).toBe(128);
  expect(contents(cache)).toEqual(before);
  cache.reserve(100);
  expect(cache.capacity).toBe(128);
});

test("rows can be permuted, repeated and dropped", () => {
  const cache = filled([5, 7, 6]);
  cache.reorder([2, 0, 0]);
  expect(cache.lengths).toEqual([6, 5, 5]);
  const rows = (wanted: number[], lengths: number[]): number[][] =>
    [0, 1, 2, 3].map((buffer) =>
      wanted.flatMap((row, i) =>
        [0, 1].flatMap((head) =>
          Array.from(
            { length: 3 * lengths[i] },
            (_, k) => buffer * 1e6 + row * 1e5 + head * 1e4 + Math.floor(k / 3),
          ),
        ),
      ),
    );
  expect(contents(cache)).toEqual(rows([2, 0, 0], [6, 5, 5]));
  cache.reorder([1]);
  expect(cache.buffers[0].dims).toEqual([1, 2, 64, 3]);
  expect(contents(cache)).toEqual(rows([0], [5]));
});

test("dropped rows leave one buffer that can grow again", () => {
  const cache = filled([60, 64]);
  cache.reorder([1]);
  const before = contents(cache);
  cache.reserve(65);
  expect(cache.buffers[0].dims[0]).toBe(1);
  expect(contents(cache)).toEqual(before);
});

test("the first row can be repeated into a new cache", () => {
  const cache = filled([70]);
  const copy = cache.repeat(3);
  expect(copy.lengths).toEqual([70, 70, 70]);
  expect(contents(copy)).toEqual(contents(cache).map((row) => [...row, ...row, ...row]));
  copy.buffers[0].data.fill(0);
  expect(cache.buffers[0].data[0]).toBe(0);
  expect(contents(cache)[0][3]).toBe(1);
});
