import { expect, test } from "vitest";
import { resizeRgb } from "./resize.ts";
import { resizedSquare } from "./square.ts";

const colors = { mean: [0.5, 0.25, 0], std: [1, 1, 1] } as const;

test.each([
  [1, 120],
  [90, 7],
  [40, 40],
])("a picture of %i × %i is stretched in bands as it is at once", (width, height) => {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 256);
  const image = { width, height, data };
  const side = Math.max(width, height);
  const square = resizeRgb(image, side, side);
  expect(resizedSquare(image, "stretch", { ...colors, size: 24 }, { atOnce: 999 })).toEqual(
    resizeRgb(square, 24, 24),
  );
});

test("a picture is padded with the mean color on both sides", () => {
  const image = { width: 3, height: 1, data: Uint8Array.from({ length: 9 }, () => 255) };
  const { data } = resizedSquare(image, "pad", { ...colors, size: 3 });
  const mean = [127, 63, 0];
  expect([...data]).toEqual([
    ...mean,
    ...mean,
    ...mean,
    ...new Array(9).fill(255),
    ...mean,
    ...mean,
    ...mean,
  ]);
});

test("the square of a very long strip is not made: its colors are where they would be", () => {
  const [width, height, size] = [1_000_000, 1, 20];
  const halves = Uint8Array.from({ length: 3 * width }, (_, i) => (i < 1.5 * width ? 10 : 250));
  const image = { width, height, data: halves };
  const levels = (squaring: "stretch" | "pad") =>
    [...resizedSquare(image, squaring, { ...colors, size }).data].filter((_, i) => i % 3 === 0);
  const row = [...new Array(9).fill(10), 10, 250, ...new Array(9).fill(250)];
  const stretched = levels("stretch");
  expect(stretched).toHaveLength(size ** 2);
  for (let y = 0; y < size; y++) expect(stretched.slice(y * size, y * size + 8)).toEqual(row.slice(0, 8));
  const padded = levels("pad");
  expect(padded.filter((level) => level === 127)).toHaveLength(size * (size - 1));
  expect(padded.slice(9 * size, 9 * size + 8)).toEqual(row.slice(0, 8));
  // Where both are made they differ by little.
  const strip = {
    width: 300,
    height: 2,
    data: Uint8Array.from({ length: 1800 }, (_, i) => ((i % 900) / 900) * 255),
  };
  for (const squaring of ["stretch", "pad"] as const) {
    const exact = resizedSquare(strip, squaring, { ...colors, size });
    const quick = resizedSquare(strip, squaring, { ...colors, size }, { most: 0 });
    const off = exact.data.map((level, i) => Math.abs(level - quick.data[i]));
    expect(off.filter((by) => by > 12).length).toBeLessThanOrEqual(squaring === "pad" ? 3 * 2 * size : 0);
  }
});
