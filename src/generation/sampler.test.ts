import { expect, test } from "vitest";
import { xoshiro128 } from "../primitives/index.ts";
import { argmax, sample, samplerOf } from "./sampler.ts";
import { completeSettings } from "./settings.ts";

test("a seed gives the same numbers everywhere", () => {
  const random = xoshiro128(1234);
  const first = [random(), random(), random()].map((value) => value * 2 ** 32);
  expect(first).toMatchInlineSnapshot(`
    [
      1491449434,
      3161889898,
      419805400,
    ]
  `);
  const again = xoshiro128(1234);
  expect([again(), again(), again()].map((value) => value * 2 ** 32)).toEqual(first);
  expect(xoshiro128(1234 + 2 ** 32)()).not.toBe(first[0] / 2 ** 32);
});

test("the numbers are uniform in [0, 1)", () => {
  const random = xoshiro128(0);
  const counts = new Array(16).fill(0);
  for (let i = 0; i < 160_000; i++) counts[Math.floor(random() * 16)]++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("of equal highest scores the first is taken", () => {
  expect(argmax(Float32Array.of(1, 3, 3, 2))).toBe(1);
});

test("tokens are drawn with their probabilities, removed ones never", () => {
  const random = xoshiro128(7);
  const scores = Float32Array.of(Math.log(0.5), -Infinity, Math.log(0.3), Math.log(0.2), -Infinity);
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 50_000; i++) counts[sample(scores, random)]++;
  expect(counts[1] + counts[4]).toBe(0);
  for (const [i, share] of [0.5, 0, 0.3, 0.2, 0].entries())
    expect(counts[i] / 50_000).toBeCloseTo(share, 1.7);
});

test("the last number below one still names a token that is left", () => {
  expect(sample(Float32Array.of(0, 0, -Infinity), () => 1 - 2 ** -32)).toBe(1);
});

test("two choices of one seed agree, each with its own state", () => {
  const settings = completeSettings({ doSample: true, seed: 3 });
  const [a, b] = [samplerOf(settings), samplerOf(settings)];
  const scores = () => Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
  const first = Array.from({ length: 20 }, () => a(scores(), [1]));
  expect(Array.from({ length: 20 }, () => b(scores(), [1]))).toEqual(first);
  expect(new Set(first).size).toBeGreaterThan(3);
});
