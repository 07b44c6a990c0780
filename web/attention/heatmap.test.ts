import { expect, test } from "vitest";
import { applyColourMap, heatmap, isAttention, patchArea } from "./heatmap.ts";

const attention = {
  layers: 2,
  queries: 2,
  rows: 1,
  columns: 3,
  maps: [
    [
      [0.5, 0.25, 0],
      [0, 0.25, 0.5],
    ],
    [
      [1, 0, 0],
      [0, 0, 0.5],
    ],
  ],
};

test("a heatmap is relative to the patch with the most attention", () => {
  expect([...heatmap(attention, { layer: 0, query: 0 })]).toEqual([1, 0.5, 0]);
  expect([...heatmap(attention, { layer: 0, query: "all" })]).toEqual([1, 1, 1]);
  expect([...heatmap(attention, { layer: "mean", query: "all" })].map((x) => Math.round(100 * x))).toEqual([
    100, 33, 67,
  ]);
  expect([...heatmap({ ...attention, maps: [[[0, 0, 0]]] }, { layer: 0, query: 0 })]).toEqual([0, 0, 0]);
});

test("colours grow brighter with attention, and an overlay more transparent", () => {
  const grey = (pixels: ArrayLike<number>, i: number): number =>
    0.3 * pixels[4 * i] + 0.59 * pixels[4 * i + 1] + 0.11 * pixels[4 * i + 2];
  const values = Float32Array.from({ length: 21 }, (_, i) => i / 20);
  const pixels = applyColourMap(values, false);
  const veil = applyColourMap(values, true);
  for (let i = 1; i < values.length; i++) {
    expect(grey(pixels, i)).toBeGreaterThan(grey(pixels, i - 1));
    expect(veil[4 * i + 3]).toBeLessThan(veil[4 * i - 1]);
  }
  expect(pixels[3]).toBe(255);
});

test("maps that are not as large as they say are told", () => {
  expect(isAttention(attention)).toBe(true);
  expect(isAttention({ ...attention, queries: 3 })).toBe(false);
  expect(isAttention({ ...attention, columns: 4 })).toBe(false);
  expect(isAttention({ ...attention, rows: 0 })).toBe(false);
});

test("patches lie on the part of a picture that is seen", () => {
  expect(patchArea(undefined, 40, 30)).toEqual({ left: 0, top: 0, width: 1, height: 1 });
  const squeezed = { fit: "squeeze", edge: 384, size: 384, covered: 378 } as const;
  expect(patchArea(squeezed, 40, 30)).toEqual({ left: 0, top: 0, width: 378 / 384, height: 378 / 384 });
  const cut = { fit: "crop", edge: 256, size: 224, covered: 224 } as const;
  expect(patchArea(cut, 60, 30)).toEqual({
    left: 144 / 512,
    top: 16 / 256,
    width: 224 / 512,
    height: 224 / 256,
  });
  const inSquare = { fit: "pad", edge: 448, size: 448, covered: 448 } as const;
  expect(patchArea(inSquare, 400, 200)).toEqual({ left: 0, top: -0.5, width: 1, height: 2 });
  const padded = patchArea({ ...cut, edge: 112 }, 30, 30);
  expect(padded).toEqual({ left: -0.5, top: -0.5, width: 2, height: 2 });
});
