import { expect, it } from "vitest";
import { float32 } from "../../src/tensor/index.ts";
import { resamplePositions } from "./layout-beginning.ts";

/** Positions of a class token (all 9) and of patches that know their row, their column and a constant. */
function ramp(side: number): Float32Array {
  const place = (i: number): number => (i + 0.5) / side;
  const patches = Array.from({ length: side * side }, (_, i) => [
    place(Math.floor(i / side)),
    place(i % side),
    5,
  ]);
  return Float32Array.from([[9, 9, 9], ...patches].flat());
}

it("positions of more patches lie between those there were; the class token's stays", () => {
  const larger = resamplePositions(float32([...ramp(8)], [1, 65, 3]), 12);
  expect(larger.dims).toEqual([1, 145, 3]);
  const expected = ramp(12);
  const data = larger.data as Float32Array;
  expect([...data.subarray(0, 3)]).toEqual([9, 9, 9]);
  for (let patch = 0; patch < 144; patch++) {
    const [row, column] = [Math.floor(patch / 12), patch % 12];
    const at = 3 * (1 + patch);
    expect(data[at + 2]).toBeCloseTo(5, 5);
    // Towards the edges, which are repeated, a ramp becomes flat.
    const inner = (i: number): boolean => i >= 2 && i < 10;
    if (inner(row)) expect(data[at]).toBeCloseTo(expected[at], 5);
    if (inner(column)) expect(data[at + 1]).toBeCloseTo(expected[at + 1], 5);
  }
});

it("as many patches keep their positions", () => {
  expect([...(resamplePositions(float32([...ramp(4)], [1, 17, 3]), 4).data as Float32Array)]).toEqual([
    ...ramp(4),
  ]);
});

it("positions must be those of a square", () => {
  expect(() => resamplePositions(float32(new Array<number>(24).fill(0), [1, 8, 3]), 12)).toThrow(
    "got 8 tokens",
  );
});
