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

/** Attention maps of a visual abstractor on an image: the attention probabilities of each query over the patches. */
export interface AttentionMaps {
  readonly layers: number;
  readonly heads: number;
  /** Visual tokens of an image, without the learned EOS embedding, which attends to nothing. */
  readonly queries: number;
  /** Rows of patches, from the top. */
  readonly rows: number;
  /** Columns of patches, from the left. */
  readonly columns: number;
  readonly framing: PatchFraming;
  /**
   * [layers, heads, queries, rows · columns]: the attention probability of each patch. Queries also attend to the queries
   * and to a class token, which are left out: the sum of a map is at most 1, and it is not normalised to 1.
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
