import { expect, test } from "vitest";
import { randomFor } from "../random.ts";
import { principalDirections } from "./principal-directions.ts";

test("rows in a plane are told by its two directions, the strongest first", () => {
  const random = randomFor(1, "rows", 0);
  const rows = Array.from({ length: 50 }, () => {
    const [a, b] = [random.range(-3, 3), random.range(-1, 1)];
    return Float64Array.from([a, b, a + b, a - b, 0, 2 * a]);
  });
  const [first, second, third] = principalDirections(rows, 3);
  const dot = (a: Float64Array, b: Float64Array): number =>
    a.reduce((sum, value, i) => sum + value * b[i], 0);
  expect([dot(first, first), dot(second, second), dot(first, second)]).toEqual([
    expect.closeTo(1),
    expect.closeTo(1),
    expect.closeTo(0),
  ]);
  const energy = (direction: Float64Array): number =>
    rows.reduce((sum, row) => sum + dot(row, direction) ** 2, 0);
  expect(energy(first)).toBeGreaterThan(energy(second));
  expect(energy(third)).toBeLessThan(1e-6);
});
