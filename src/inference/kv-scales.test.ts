import { expect, test } from "vitest";
import { allocate, float32 } from "../tensor/index.ts";
import { fitScales } from "./kv-scales.ts";

/** One head of four numbers over three positions, in a buffer with room for more; behind them lies anything. */
function bufferOf(rows: readonly (readonly number[])[]) {
  const buffer = allocate("int8", [1, 1, 5, 4]);
  buffer.data.fill(127);
  buffer.data.set(rows.flat());
  return buffer;
}

const before = [0.1, 0.2, 0.1, 0.2];
const scalesOf = () => float32(before, [1, 1, 4]);

test("a scale holds half as much again as was seen of its number", () => {
  const scales = scalesOf();
  const rows = [
    [40, -60, 20, 17],
    [-50, 3, 60, 0],
    [0, 0, 0, 0],
  ];
  expect(fitScales(scales, bufferOf(rows), 3, false)).toBe(true);
  const most = [50, 60, 60, 17];
  for (const [i, scale] of scales.data.entries()) {
    expect(scale * 127).toBeCloseTo(1.5 * most[i] * before[i], 5);
  }
});

test("numbers that are turned into each other have one scale, by their length together, which a turn leaves as it is", () => {
  const scales = scalesOf();
  const rows = [
    [30, 100, 40, 0],
    [40, 1, -30, 90],
    [50, 1, 0, 1],
  ];
  expect(fitScales(scales, bufferOf(rows), 3, true)).toBe(true);
  expect(scales.data[0] * 127).toBeCloseTo(1.5 * 50 * 0.1, 5);
  expect(scales.data[1] * 127).toBeCloseTo(1.5 * 100 * 0.2, 5);
  expect([scales.data[2], scales.data[3]]).toEqual([scales.data[0], scales.data[1]]);
});

test("what was cut off, or was a few steps long, is measured again by a wider or a narrower scale", () => {
  const scales = scalesOf();
  expect(fitScales(scales, bufferOf([[127, 2, 0, -128]]), 1, false)).toBe(false);
  const [cut, short, nothing, cutBelow] = scales.data;
  expect(cut).toBeCloseTo(6.4, 5);
  expect(cutBelow).toBeCloseTo(12.8, 5);
  // Two steps, which may be two and a half, become at most as many as a scale holds.
  expect((2.5 * before[1]) / short).toBeLessThanOrEqual(127);
  expect((1.5 * before[1]) / short).toBeGreaterThanOrEqual(16);
  expect(nothing).toBeCloseTo(0.1 / 64, 7);
});

test("numbers that are always nothing are left alone after two tries", () => {
  const scales = float32([2 ** -4, 2 ** -4, 2 ** -4, 2 ** -4], [1, 1, 4]);
  const nothing = bufferOf([[0, 0, 0, 0]]);
  const tries = [1, 2, 3].map(() => fitScales(scales, nothing, 1, false));
  expect(tries).toEqual([false, false, true]);
  expect(Math.min(...scales.data)).toBeGreaterThan(0);
});

test("scales that only grow have twice the room where something was cut off, and keep what was measured before", () => {
  const scales = scalesOf();
  expect(fitScales(scales, bufferOf([[127, 2, 100, -20]]), 1, false, { grow: 2, narrows: false })).toBe(
    false,
  );
  const [cut, short, long, known] = scales.data;
  expect(cut).toBeCloseTo(0.2, 6);
  expect(short).toBeCloseTo(0.2, 6);
  expect(long * 127).toBeCloseTo(1.5 * 100 * 0.1, 5);
  expect(known).toBeCloseTo(0.2, 6);
  expect(fitScales(scales, bufferOf([[64, 2, 100, -20]]), 1, false, { grow: 2, narrows: false })).toBe(true);
});
