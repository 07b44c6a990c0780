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
  expect(resizedSquare(image, "stretch", { ...colors, size: 24 }, 999)).toEqual(resizeRgb(square, 24, 24));
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
