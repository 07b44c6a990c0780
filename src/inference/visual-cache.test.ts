import { expect, test } from "vitest";
import { VisualCache } from "./visual-cache.ts";

test("visual tokens are bounded by bytes; what was not used for longest goes first", () => {
  const cache = new VisualCache(100);
  for (const key of ["a", "b", "c"]) cache.set(key, new Float32Array(8));
  expect(cache.get("a")).toHaveLength(8);
  cache.set("d", new Float32Array(8));
  expect(cache.get("b")).toBeUndefined();
  expect(cache.statistics).toEqual({ hits: 1, misses: 1, entries: 3, bytes: 96 });
  cache.set("a", new Float32Array(2));
  expect(cache.statistics.bytes).toBe(72);
  cache.resize(40);
  expect(cache.statistics).toMatchObject({ entries: 2, bytes: 40 });
  expect([cache.get("c"), cache.get("d")?.length, cache.get("a")?.length]).toEqual([undefined, 8, 2]);
  cache.set("large", new Float32Array(11));
  expect(cache.statistics).toMatchObject({ entries: 0, bytes: 0 });
});
