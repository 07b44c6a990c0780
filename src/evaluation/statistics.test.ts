import { describe, expect, test } from "vitest";
import { bootstrapInterval, cohenKappa, fleissKappa, mcNemar, pairedDifference } from "./statistics.ts";

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("bootstrap", () => {
  test("the bounds of four items are those of the binomial distribution", () => {
    // The mean of four draws from one 1 and three 0 is k/4, k binomial(4, 1/4): P(0) = 0.316, P(≤ 1) = 0.738,
    // P(≤ 2) = 0.949, P(≤ 3) = 0.996. So its 2.5 % quantile is 0, its 97.5 % quantile 3/4, and its 90 % one 2/4.
    const items = [1, 0, 0, 0];
    expect(bootstrapInterval(items, mean)).toEqual({ estimate: 0.25, low: 0, high: 0.75, confidence: 0.95 });
    expect(bootstrapInterval(items, mean, { confidence: 0.8 })).toMatchObject({ low: 0, high: 0.5 });
  });

  test("a large sample's bounds are those of the normal distribution", () => {
    // 400 items, half of them 1: the mean's deviation is √(0.25 / 400) = 0.025, 1.96 of them are 0.049.
    const items = Array.from({ length: 400 }, (_, i) => i % 2);
    const { low, high } = bootstrapInterval(items, mean, { resamples: 4000 });
    expect(low).toBeCloseTo(0.451, 2);
    expect(high).toBeCloseTo(0.549, 2);
  });

  test("items of one group count as one draw", () => {
    // 4 groups of 100 like items are 4 items: see above.
    const items = Array.from({ length: 400 }, (_, i) => ({
      group: String(i % 4),
      value: i % 4 === 0 ? 1 : 0,
    }));
    const statistic = (sample: readonly { value: number }[]): number =>
      mean(sample.map(({ value }) => value));
    const options = { groupOf: ({ group }: { group: string }) => group };
    expect(bootstrapInterval(items, statistic, options)).toMatchObject({ low: 0, high: 0.75 });
    expect(bootstrapInterval(items, statistic).high).toBeLessThan(0.31);
  });

  test("a seed repeats, another differs; what cannot be drawn from is refused", () => {
    const items = Array.from({ length: 50 }, (_, i) => Math.sin(i));
    expect(bootstrapInterval(items, mean, { seed: 1 })).toEqual(bootstrapInterval(items, mean, { seed: 1 }));
    expect(bootstrapInterval(items, mean, { seed: 1 })).not.toEqual(
      bootstrapInterval(items, mean, { seed: 2 }),
    );
    expect(() => bootstrapInterval([], mean)).toThrow(/got none/);
    expect(() => bootstrapInterval([1], mean, { confidence: 95 })).toThrow(/between 0 and 1, got 95/);
    expect(() => bootstrapInterval([1], mean, { resamples: 0 })).toThrow(/resamples/);
  });

  test("a paired difference is surer than its halves", () => {
    // The second system is better by 0.1 on every item; the items themselves scatter widely.
    const pairs = Array.from({ length: 60 }, (_, i): [number, number] => [i % 7, (i % 7) + 0.1]);
    const { estimate, low, high, pValue } = pairedDifference(pairs, mean);
    for (const value of [estimate, low, high]) expect(value).toBeCloseTo(0.1, 10);
    expect(pValue).toBeCloseTo(2 / 2001, 10);
    const same = pairs.map(([first]): [number, number] => [first, first]);
    expect(pairedDifference(same, mean)).toMatchObject({ estimate: 0, low: 0, high: 0, pValue: 1 });
  });
});

describe("McNemar", () => {
  test("the exact two-sided binomial test", () => {
    // 2 · (C(20,0) + … + C(20,5)) / 2^20 = 2 · 21,700 / 1,048,576
    expect(mcNemar(5, 15)).toBeCloseTo((2 * 21_700) / 1_048_576, 12);
    expect(mcNemar(15, 5)).toBe(mcNemar(5, 15));
    expect(mcNemar(0, 6)).toBeCloseTo(2 / 64, 12);
    expect(mcNemar(3, 3)).toBe(1);
    expect(mcNemar(0, 0)).toBe(1);
  });

  test("many disagreements do not underflow", () => {
    // Normal approximation with continuity correction: z = (|1900 − 2100| − 1) / √4000 = 3.1465, p = 0.001652.
    expect(mcNemar(1900, 2100)).toBeCloseTo(0.001652, 5);
    expect(() => mcNemar(0.5, 1)).toThrow(/whole numbers/);
  });
});

describe("kappa", () => {
  const repeat = (count: number, ...pair: [string, string]): [string, string][] =>
    Array.from({ length: count }, () => pair);

  test("Cohen's, of two readers of fifty grant proposals", () => {
    // Observed (20 + 15) / 50 = 0.7; expected 0.5 · 0.6 + 0.5 · 0.4 = 0.5; (0.7 − 0.5) / (1 − 0.5) = 0.4.
    const pairs = [
      ...repeat(20, "yes", "yes"),
      ...repeat(5, "yes", "no"),
      ...repeat(10, "no", "yes"),
      ...repeat(15, "no", "no"),
    ];
    expect(cohenKappa(pairs)).toBeCloseTo(0.4, 12);
  });

  test("Cohen's, weighted by distance", () => {
    const order = ["A", "B", "C"];
    const pairs: [string, string][] = [
      ["A", "A"],
      ["A", "B"],
      ["B", "B"],
      ["C", "A"],
    ];
    // Shares ½ ¼ ¼ and ½ ½ 0. Linear: observed (1 + 2) / 4 = 0.75, expected
    // ½(½·0 + ½·1) + ¼(½·1 + ½·0) + ¼(½·2 + ½·1) = 0.25 + 0.125 + 0.375 = 0.75, so 0.
    expect(cohenKappa(pairs, { weights: "linear", order })).toBeCloseTo(0, 12);
    // Quadratic: observed (1 + 4) / 4 = 1.25, expected 0.25 + 0.125 + ¼(½·4 + ½·1) = 1, so −0.25.
    expect(cohenKappa(pairs, { weights: "quadratic", order })).toBeCloseTo(-0.25, 12);
    // Unweighted: observed disagreement ½, expected 1 − (½·½ + ¼·½) = 0.625, so 0.2.
    expect(cohenKappa(pairs, { order })).toBeCloseTo(0.2, 12);
  });

  test("Cohen's edges", () => {
    expect(cohenKappa(repeat(3, "A", "A"))).toBeNaN();
    expect(cohenKappa([...repeat(1, "A", "A"), ...repeat(1, "B", "B")])).toBe(1);
    expect(() => cohenKappa([])).toThrow(/got none/);
    expect(() => cohenKappa([["A", "E"]], { order: ["A", "B"] })).toThrow(/one of A, B, got E/);
  });

  test("Fleiss's, of fourteen raters and ten subjects in five categories", () => {
    // The worked example of Wikipedia's article "Fleiss' kappa": P = 0.378, Pe = 0.213, κ = 0.210.
    const counts = [
      [0, 0, 0, 0, 14],
      [0, 2, 6, 4, 2],
      [0, 0, 3, 5, 6],
      [0, 3, 9, 2, 0],
      [2, 2, 8, 1, 1],
      [7, 7, 0, 0, 0],
      [3, 2, 6, 3, 0],
      [2, 5, 3, 2, 2],
      [6, 5, 2, 1, 0],
      [0, 2, 2, 3, 7],
    ];
    expect(fleissKappa(counts)).toBeCloseTo(0.21, 3);
  });

  test("Fleiss's edges", () => {
    expect(fleissKappa([[3, 0]])).toBeNaN();
    // P = (1 + 1) / 2 = 1, whatever is expected.
    expect(
      fleissKappa([
        [2, 0],
        [0, 3],
      ]),
    ).toBe(1);
    expect(() => fleissKappa([[1, 0]])).toThrow(/got 1 at item 0/);
    expect(() => fleissKappa([])).toThrow(/got none/);
  });
});
