import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../../tests/shared.ts";
import { alibiSlopes } from "./alibi.ts";

test("slopes of a power of two are the powers of the first, 2^(−8 / heads)", () => {
  expect(alibiSlopes(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((i) => 2 ** -i));
});

test("other numbers of heads go on with every other slope of twice the power below", () => {
  expect(alibiSlopes(6)).toEqual([1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 2, 1 / 8]);
});

describe.skipIf(!sharedAvailable)("against the original code", () => {
  test("every number of heads in the fixture, but for the last bit of its power function", () => {
    const cases: Record<string, number[]> = JSON.parse(
      readFileSync(shared("golden/tiny-bloom/alibi-slopes.json"), "utf8"),
    );
    expect(Object.keys(cases).length).toBeGreaterThan(5);
    for (const [heads, slopes] of Object.entries(cases)) {
      const ours = alibiSlopes(Number(heads));
      expect(ours).toHaveLength(slopes.length);
      for (const [i, slope] of slopes.entries()) expect(Math.abs(ours[i] / slope - 1)).toBeLessThan(2 ** -23);
    }
  });
});
