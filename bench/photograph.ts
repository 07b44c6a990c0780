import type { DecodedImage } from "../src/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";

/** A decoded photograph of 1,000 × 700 pixels, smooth with noise, another for every seed. */
export function photograph(seed: number): DecodedImage {
  const random = mulberry32(seed);
  const [width, height] = [1000, 700];
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / (3 * width))];
    data[i] = 128 + 80 * Math.sin((x + seed * 37) / 90) * Math.cos(y / 70 + (i % 3)) + 40 * (random() - 0.5);
  }
  return { width, height, data };
}

/** What is asked about it. */
export const QUESTION = "Describe this image.";
