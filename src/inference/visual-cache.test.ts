import { expect, test } from "vitest";
import { VisualCache } from "./visual-cache.ts";

test("visual tokens are bounded by bytes; what was not used for longest goes first", () => {
  const cache = new VisualCache(100);
  for (const key of ["a", "b", "c"]) cache.keep(key, new Float32Array(8));
  expect(cache.find("a")).toHaveLength(8);
  cache.keep("d", new Float32Array(8));
  expect(cache.find("b")).toBeUndefined();
  expect(cache.statistics).toEqual({ hits: 1, misses: 1, entries: 3, bytes: 96 });
  cache.keep("a", new Float32Array(2));
  expect(cache.statistics.bytes).toBe(72);
  cache.bound(40);
  expect(cache.statistics).toMatchObject({ entries: 2, bytes: 40 });
  expect([cache.find("c"), cache.find("d")?.length, cache.find("a")?.length]).toEqual([undefined, 8, 2]);
  cache.keep("large", new Float32Array(11));
  expect(cache.statistics).toMatchObject({ entries: 0, bytes: 0 });
});
