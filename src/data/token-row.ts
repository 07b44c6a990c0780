import type { TokenSequence } from "../model/index.ts";

/** One row of a batch: a token sequence, and which of its tokens are learned. The last token is only a target. */
export interface TokenRow extends TokenSequence {
  /** For every token whether predicting it counts in the loss. */
  readonly lossMask: readonly boolean[];
  /** One picture (or tile of one) for every span of an image: float32 [3, size, size], normalised. */
  readonly pixels: readonly Float32Array[];
  /** Row and column of each of them, where they are tiles. */
  readonly positions?: readonly (readonly [row: number, column: number])[];
  /** One video for every span of a video: float32 [3, frames, size, size], normalised. */
  readonly videos?: readonly Float32Array[];
  /** The name of this row. */
  readonly name: string;
}
