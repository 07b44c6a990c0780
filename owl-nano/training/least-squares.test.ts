import { describe, expect, it } from "vitest";
import { leastSquares } from "./least-squares.ts";

const rows = (numbers: readonly (readonly number[])[]): Float64Array[] =>
  numbers.map((row) => Float64Array.from(row));

describe("ridge regression", () => {
  it("finds the weights that made the targets, of several targets at once", () => {
    const x = rows([
      [1, 2, 1],
      [0, -1, 1],
      [3, 1, 1],
      [-2, 4, 1],
      [1, 1, 1],
    ]);
    const truth = rows([
      [2, -1, 0.5],
      [0, 3, -4],
    ]);
    const targets = truth.map((weights) =>
      Float64Array.from(x, (row) => row.reduce((sum, value, i) => sum + value * weights[i], 0)),
    );
    for (const [t, found] of leastSquares(x, targets, 1e-12).entries())
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(truth[t][i], 8);
  });

  it("one weight is Σxy / (Σx² + ridge)", () => {
    expect(leastSquares(rows([[1], [2], [3]]), rows([[2, 3, 7]]), 6)[0][0]).toBeCloseTo(29 / 20, 12);
  });

  it("columns that are alike share the weight", () => {
    const [found] = leastSquares(
      rows([
        [1, 1],
        [2, 2],
      ]),
      rows([[2, 4]]),
      1e-9,
    );
    expect(found[0]).toBeCloseTo(1, 6);
    expect(found[1]).toBeCloseTo(1, 6);
  });
});
