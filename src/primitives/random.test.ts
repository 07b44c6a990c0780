import { expect, test } from "vitest";
import { fnv1a, mulberry32, permutation, seedOf, xoshiro128 } from "./random.ts";

const bits = (random: () => number): number[] => Array.from({ length: 3 }, () => random() * 2 ** 32);

test("the generators give the bits that recorded runs and published weights depend on", () => {
  expect(bits(mulberry32(42))).toEqual([2581720956, 1925393290, 3661312704]);
  expect(bits(xoshiro128(42))).toEqual([660444221, 3652823732, 77672526]);
  expect(seedOf("parameter", 1, "query_tokens")).toBe(2831240050);
  expect([...permutation(6, 3)]).toEqual([2, 3, 5, 1, 0, 4]);
});

test("FNV-1a gives its published values", () => {
  const hash = (text: string): number => fnv1a(new TextEncoder().encode(text));
  expect([hash(""), hash("a"), hash("foobar")]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});
