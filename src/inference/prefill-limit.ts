import { BOUNDED_CHUNK, hyperOf, type OwlConfig } from "../model/index.ts";
import { visualRoom } from "./kept-pictures.ts";

/**
 * New positions of a row that a prefill takes at once. Layers that drop positions have room for no more; in others more of them
 * are computed no faster and take memory.
 */
export const longestPrefill = BOUNDED_CHUNK;

/** Bytes of what a prefill computes in one layer, and of that layer's scores over pictures. */
const LAYER_BYTES = 64 * 2 ** 20;

/**
 * New positions of all rows together that a prefill takes at once where rows have at most so many pictures and positions: every position
 * has the numbers of a layer, a score for every visual token beside the text, and, where pictures and text share a softmax, one for every
 * position of the text. An even number.
 */
export function mostPrefilled(config: OwlConfig, pictures: number, positions: number): number {
  const { hidden, intermediate } = config.language;
  // Queries, keys and values, what a layer begins and ends with; gate, up and their product.
  const numbers = 3 * (hidden + intermediate);
  const most = Math.floor(
    LAYER_BYTES / Float32Array.BYTES_PER_ELEMENT / Math.max(numbers, scoresOf(config, pictures, positions)),
  );
  return Math.max(2, most - (most % 2));
}

/** Scores of one position that plain operators compute at once. */
function scoresOf(config: OwlConfig, pictures: number, positions: number): number {
  const hyper = hyperOf(config);
  if (hyper === undefined || (pictures === 0 && hyper.gate !== "none")) return 0;
  const text = hyper.gate === "none" ? positions : 0;
  return config.language.heads * (visualRoom(config, hyper, Math.max(1, pictures)) + text);
}
