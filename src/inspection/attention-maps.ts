import type { Preprocessor } from "../image/index.ts";
import { type OwlConfig, patchCount, patchSide } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";

/**
 * Where the patches lie on a picture: it is resized, a square of `size` cut out of its middle, and patches cover the
 * first `covered` pixels of that from the left and from the top; what fills no patch is not seen.
 */
export interface PatchFraming {
  /** Whether both sides of the resized picture have `edge` pixels (`squeeze`), the shorter one (`crop`) or the longer one (`pad`). */
  readonly fit: "squeeze" | "crop" | "pad";
  readonly edge: number;
  readonly size: number;
  readonly covered: number;
}

/**
 * Attention maps on an image: the attention probabilities of each query over the patches. Queries are the visual tokens of an abstractor, or
 * of a model whose layers look at pictures beside the text (mPLUG-Owl3) the prompt's tokens behind the picture.
 */
export interface AttentionMaps {
  /** Of the abstractor, or those of the language model that look at pictures. */
  readonly layers: number;
  readonly heads: number;
  /** Visual tokens of an image, without the learned EOS embedding, which attends to nothing; or tokens of the prompt. */
  readonly queries: number;
  /** The texts of the prompt's tokens; absent: queries are visual tokens. */
  readonly words?: readonly string[] | undefined;
  /** Rows of patches, from the top. */
  readonly rows: number;
  /** Columns of patches, from the left. */
  readonly columns: number;
  readonly framing: PatchFraming;
  /**
   * [layers, heads, queries, rows · columns]: the attention probability of each patch. Queries also attend to the queries
   * and to a class token, or tokens to the text, which is left out: the sum of a map is at most 1, and it is not normalised to 1.
   */
  readonly maps: Float32Array;
}

/** The maps of one image. `byLayer` are the results of `traceAttention`, [1, heads, queries, patches] each. */
export function attentionMaps(
  config: OwlConfig,
  { size: pixels, edge = pixels, fit = "squeeze" }: Preprocessor,
  byLayer: readonly HostTensor[],
): AttentionMaps {
  const side = patchSide(config.vision);
  const { heads } = config.abstractor;
  const queries = config.numQueryTokens;
  const size = heads * queries * patchCount(config.vision);
  const maps = new Float32Array(byLayer.length * size);
  for (const [layer, { data }] of byLayer.entries()) maps.set(data as Float32Array, layer * size);
  // By way of a square or not, it is squeezed.
  const framing = {
    fit: fit === "stretch" ? "squeeze" : fit,
    edge,
    size: pixels,
    covered: side * config.vision.patchSize,
  } as const;
  return { layers: byLayer.length, heads, queries, rows: side, columns: side, framing, maps };
}

/** How tokens of a prompt look at its picture, as `pictureAttention` gives it. */
export interface PictureLooks {
  /** The probabilities of each layer that looks at pictures: [1, heads, tokens, visual tokens of the picture, …]. */
  readonly byLayer: readonly HostTensor[];
  /** Rows and columns of the squares that the picture is cut to, behind which it stands whole; absent: it stands there whole alone. */
  readonly grid?: readonly [rows: number, columns: number] | undefined;
  readonly words: readonly string[];
}

/**
 * The maps of the prompt's tokens on a picture. Those of squares lie side by side on the picture; what a token pays to a patch of the whole is
 * shared out evenly among the patches of squares that show the same, so that nothing is lost. What fills no patch at a square's edges is
 * taken for its neighbour's.
 */
export function besideTextMaps(
  config: OwlConfig,
  size: number,
  { byLayer, grid, words }: PictureLooks,
): AttentionMaps {
  const side = patchSide(config.vision);
  const perPicture = side * side;
  const [down, across] = grid ?? [1, 1];
  const [rows, columns] = [down * side, across * side];
  const { heads } = config.language;
  const queries = words.length;
  const maps = new Float32Array(byLayer.length * heads * queries * rows * columns);
  const whole = grid === undefined ? 0 : down * across * perPicture;
  let at = 0;
  for (const { data, dims } of byLayer) {
    for (let query = 0; query < heads * queries; query++) {
      const shares = (data as Float32Array).subarray(query * dims[3], (query + 1) * dims[3]);
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          const ofWhole = shares[whole + Math.floor(y / down) * side + Math.floor(x / across)];
          const square = Math.floor(y / side) * across + Math.floor(x / side);
          const own = grid === undefined ? 0 : shares[square * perPicture + (y % side) * side + (x % side)];
          maps[at++] = own + ofWhole / (down * across);
        }
      }
    }
  }
  const covered = grid === undefined ? side * config.vision.patchSize : size;
  const framing = { fit: "squeeze", edge: size, size, covered } as const;
  return { layers: byLayer.length, heads, queries, words, rows, columns, framing, maps };
}

/** The maps of each layer's visual tokens, averaged over the heads: [layers][queries][rows · columns]. */
export function meanOverHeads({ layers, heads, queries, rows, columns, maps }: AttentionMaps): number[][][] {
  const patches = rows * columns;
  const meanOf = (layer: number, query: number, patch: number): number => {
    let sum = 0;
    for (let head = 0; head < heads; head++) {
      sum += maps[((layer * heads + head) * queries + query) * patches + patch];
    }
    return sum / heads;
  };
  const range = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));
  return range(layers, (layer) =>
    range(queries, (query) => range(patches, (patch) => meanOf(layer, query, patch))),
  );
}
