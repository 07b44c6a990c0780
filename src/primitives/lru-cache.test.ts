import { expect, test } from "vitest";
import { LruCache } from "./lru-cache.ts";

test("the least recently used entries are evicted when all together weigh more than the limit", () => {
  const evicted: string[] = [];
  const cache = new LruCache<string, string>({
    limit: 6,
    weightOf: ({ length }) => length,
    onEvict: (value) => evicted.push(value),
  });
  for (const value of ["aa", "bb", "cc"]) cache.set(value[0], value);
  expect(cache.get("a")).toBe("aa");
  cache.set("d", "dd");
  expect([cache.get("b"), cache.size, cache.weight, evicted]).toEqual([undefined, 3, 6, ["bb"]]);
  cache.set("a", "a");
  expect([cache.weight, evicted]).toEqual([5, ["bb", "aa"]]);
  cache.resize(3);
  expect([cache.get("c"), cache.get("d"), cache.get("a")]).toEqual([undefined, "dd", "a"]);
  cache.set("large", "larger");
  expect([cache.size, cache.weight]).toEqual([0, 0]);
  cache.set("e", "e");
  cache.clear();
  expect([cache.size, evicted.at(-1)]).toEqual([0, "e"]);
});

test("without weights the limit counts entries", () => {
  const cache = new LruCache<number, number>({ limit: 2 });
  for (const number of [1, 2, 3]) cache.set(number, number);
  expect([cache.get(1), cache.get(2), cache.get(3)]).toEqual([undefined, 2, 3]);
});
