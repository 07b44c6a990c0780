import { middleOf, resizeAndCut, scaledByEdge } from "./augment.ts";
import type { Preprocessor } from "./preprocessor-file.ts";
import { type NumberGrid, resampleGrid } from "./resample-numbers.ts";
import { type Filter, type RgbImage, type Taps, tapsOf } from "./resize.ts";
import { resizedSquare } from "./square.ts";

/**
 * The value of each 8-bit level in each channel, `[3, 256]`: the level rescaled in float64, then float32 steps, as
 * the reference rounds.
 */
export function normalisationTable({ mean, std, rescale = 1 / 255 }: Preprocessor): Float32Array {
  const table = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel++) {
    for (let level = 0; level < 256; level++) {
      const value = Math.fround(level * rescale);
      const centred = Math.fround(value - Math.fround(mean[channel]));
      table[channel * 256 + level] = centred / Math.fround(std[channel]);
    }
  }
  return table;
}

/** The same preprocessing without cutting: what is a part of a picture, or a frame of a video, becomes the square. */
export function squeezing({ edge: _, ...preprocessor }: Preprocessor): Preprocessor {
  return { ...preprocessor, fit: "squeeze" };
}

/** The vision encoder's input `[3, size, size]` for a picture, resized where it has another size. */
export function toPixelValues(image: RgbImage, preprocessor: Preprocessor): Float32Array {
  const { size, fit, edge = size, resample } = preprocessor;
  if (fit === "stretch" || fit === "pad") {
    return toPixelValues(resizedSquare(image, fit, preprocessor), squeezing(preprocessor));
  }
  const to = fit === "crop" ? scaledByEdge(image, edge) : { width: edge, height: edge };
  if (preprocessor.resizesNumbers) return resizedNumbers(image, to, preprocessor);
  const { data } = resizeAndCut(image, to, size, resample);
  const table = normalisationTable(preprocessor);
  const plane = size * size;
  const values = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < plane; i++) {
      values[channel * plane + i] = table[channel * 256 + data[i * 3 + channel]];
    }
  }
  return values;
}

/** As {@link toPixelValues} where a picture is rescaled to numbers before it is resized, in float32 as PyTorch does it. */
function resizedNumbers(
  image: RgbImage,
  to: { readonly width: number; readonly height: number },
  preprocessor: Preprocessor,
): Float32Array {
  const { size, mean, std, rescale = 1 / 255, resample } = preprocessor;
  const factor = Math.fround(rescale);
  const data = Float32Array.from(image.data, (level) => level * factor);
  const whole: NumberGrid = { rows: image.height, columns: image.width, channels: 3, data };
  const across = middleOf(to.width, size);
  const down = middleOf(to.height, size);
  const filter: Filter = resample === "bicubic" ? "bicubic" : "bilinear";
  const taps = (from: number, length: number, { kept }: typeof across): Taps | undefined =>
    from === length && kept.count === length ? undefined : tapsOf(filter, from, length, kept);
  const kept = resampleGrid(whole, taps(image.width, to.width, across), taps(image.height, to.height, down));
  const values = new Float32Array(3 * size * size);
  for (let channel = 0; channel < 3; channel++) {
    const normal = (value: number): number =>
      Math.fround(value - Math.fround(mean[channel])) / Math.fround(std[channel]);
    const plane = values.subarray(channel * size * size, (channel + 1) * size * size).fill(normal(0));
    for (let row = 0; row < kept.rows; row++) {
      for (let column = 0; column < kept.columns; column++) {
        const value = kept.data[(row * kept.columns + column) * 3 + channel];
        plane[(down.at + row) * size + across.at + column] = normal(value);
      }
    }
  }
  return values;
}
