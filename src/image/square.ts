import type { Preprocessor } from "./preprocessor-file.ts";
import { type RgbImage, resizeRaster, resizeRgb } from "./resize.ts";

/** How a picture becomes a square of its longer side before that is resized. */
export type Squaring = "stretch" | "pad";

/**
 * A picture as a square of `size` by way of one of its longer side, with the bytes of mPLUG-Owl2's code: `stretch` resizes the
 * picture to that square, `pad` puts it into the middle of one of the mean color, and the square is resized.
 *
 * The square of a long strip has far more pixels than the strip. Where it would have more than `most`, which the reference would need
 * minutes to days for, the picture is resized at once, and its bytes differ by little.
 *
 * @param limits pixels of the large square: how many are made at once, and how many at most
 */
export function resizedSquare(
  image: RgbImage,
  squaring: Squaring,
  preprocessor: Preprocessor,
  { atOnce = 2 ** 22, most = mostPixels }: { readonly atOnce?: number; readonly most?: number } = {},
): RgbImage {
  const { size, mean, resample } = preprocessor;
  const side = Math.max(image.width, image.height);
  if (side ** 2 > most) return resizedAtOnce(image, squaring, preprocessor);
  const band = squaring === "pad" ? padded(image, side, mean) : stretched(image, side, resample);
  // Pillow resizes rows first, so that bands of rows can be narrowed one after the other.
  const narrow = new Uint8Array(side * size * 3);
  const step = Math.max(1, Math.floor(atOnce / side));
  for (let first = 0; first < side; first += step) {
    const count = Math.min(step, side - first);
    const rows = band(first, count);
    const { data } = resizeRaster({ ...rows, channels: 3 }, size, count, { resample });
    narrow.set(data, first * size * 3);
  }
  return resizeRgb({ width: size, height: side, data: narrow }, size, size, { resample });
}

/** As many pixels as a picture may have by default. */
const mostPixels = 64e6;

function resizedAtOnce(
  image: RgbImage,
  squaring: Squaring,
  { size, mean, resample }: Preprocessor,
): RgbImage {
  if (squaring === "stretch") return resizeRgb(image, size, size, { resample });
  const side = Math.max(image.width, image.height);
  const [width, height] = [image.width, image.height].map((length) =>
    Math.max(1, Math.round((length * size) / side)),
  );
  return padded(resizeRgb(image, width, height, { resample }), size, mean)(0, size);
}

/** Makes rows of the square. */
type Band = (first: number, count: number) => RgbImage;

function stretched(image: RgbImage, side: number, resample: Preprocessor["resample"]): Band {
  return (first, count) => resizeRgb(image, side, side, { resample, rows: { first, count } });
}

function padded({ width, height, data }: RgbImage, side: number, mean: Preprocessor["mean"]): Band {
  const color = mean.map((value) => Math.trunc(value * 255));
  const [left, top] = [width, height].map((length) => Math.floor((side - length) / 2));
  return (first, count) => {
    const rows = new Uint8Array(count * side * 3);
    for (let i = 0; i < rows.length; i++) rows[i] = color[i % 3];
    for (let y = Math.max(first, top); y < Math.min(first + count, top + height); y++) {
      const row = data.subarray((y - top) * width * 3, (y - top + 1) * width * 3);
      rows.set(row, ((y - first) * side + left) * 3);
    }
    return { width: side, height: count, data: rows };
  };
}
