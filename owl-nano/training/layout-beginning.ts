import type { StateDict } from "../../src/checkpoint/index.ts";
import type { OwlConfig } from "../../src/model/index.ts";
import { allocate, type HostTensor } from "../../src/tensor/index.ts";

const POSITIONS = "vision_model.embeddings.position_embedding";
/** The table of word embeddings. */
export const WORD_EMBEDDINGS = "language_model.model.embed_tokens.weight";

/** Rows of the embedding table that stand for special tokens and single bytes; text hardly uses them. */
const BYTE_ROWS = 259;

/** Root mean square of the word embeddings. */
export function embeddingSize(weights: StateDict): number {
  const { data, dims } = weights.get(WORD_EMBEDDINGS)!;
  const words = (data as Float32Array).subarray(BYTE_ROWS * dims[1]);
  return Math.sqrt(words.reduce((sum, value) => sum + value * value, 0) / words.length);
}

/** What the layout stage changes of the vision stage's weights: the vision encoder's positions, for larger pictures. */
export function layoutBeginning({ vision }: OwlConfig, weights: StateDict): StateDict {
  const positions = resamplePositions(weights.get(POSITIONS)!, vision.imageSize / vision.patchSize);
  return new Map([...weights, [POSITIONS, positions]]);
}

/**
 * Position embeddings [1, 1 + n², width] of a square of patches for one of `side` patches a side, by cubic interpolation (Keys'
 * kernel, edges repeated); the class token's stays.
 */
export function resamplePositions(positions: HostTensor, side: number): HostTensor {
  const [, tokens, width] = positions.dims;
  const known = Math.sqrt(tokens - 1);
  if (!Number.isInteger(known))
    throw new RangeError(`positions: must be a square of patches and a class token, got ${tokens} tokens`);
  const taps = Array.from({ length: side }, (_, i) => cubicTaps(((i + 0.5) * known) / side - 0.5, known));
  const from = positions.data as Float32Array;
  const resampled = allocate("float32", [1, 1 + side * side, width]);
  resampled.data.set(from.subarray(0, width));
  for (const [y, down] of taps.entries())
    for (const [x, across] of taps.entries())
      for (const [row, upper] of down)
        for (const [column, left] of across) {
          const source = (1 + row * known + column) * width;
          const target = (1 + y * side + x) * width;
          for (let i = 0; i < width; i++) resampled.data[target + i] += upper * left * from[source + i];
        }
  return resampled;
}

/** The four neighbours of a place on a line of `count` points, and their weights. */
function cubicTaps(at: number, count: number): [index: number, weight: number][] {
  const first = Math.floor(at) - 1;
  return [0, 1, 2, 3].map((i) => {
    const index = Math.max(0, Math.min(count - 1, first + i));
    return [index, cubic(Math.abs(at - first - i))];
  });
}

function cubic(distance: number): number {
  if (distance < 1) return 1.5 * distance ** 3 - 2.5 * distance ** 2 + 1;
  return -0.5 * distance ** 3 + 2.5 * distance ** 2 - 4 * distance + 2;
}
