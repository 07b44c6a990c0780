import { type OwlConfig, patchCount } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";

/** Where a visual abstractor looked at a picture: how each of its queries shared its attention among the patches. */
export interface AttentionMaps {
  readonly layers: number;
  readonly heads: number;
  /** Visual tokens of a picture, without the learned end row, which looks at nothing. */
  readonly queries: number;
  /** The patches lie in so many rows, from the top, */
  readonly rows: number;
  /** and columns, from the left. */
  readonly columns: number;
  /**
   * [layers, heads, queries, rows · columns]: the share of the attention that each patch got, 0 to 1. What a query gave
   * to the queries and to a class token is left out, so a map's sum is at most 1; it is not scaled up to 1.
   */
  readonly maps: Float32Array;
}

/** The maps of one picture. `byLayer` are the results of `traceAttention`, [1, heads, queries, patches] each. */
export function attentionMaps(config: OwlConfig, byLayer: readonly HostTensor[]): AttentionMaps {
  const side = config.vision.imageSize / config.vision.patchSize;
  const { heads } = config.abstractor;
  const queries = config.numQueryTokens;
  const size = heads * queries * patchCount(config.vision);
  const maps = new Float32Array(byLayer.length * size);
  for (const [layer, { data }] of byLayer.entries()) maps.set(data as Float32Array, layer * size);
  return { layers: byLayer.length, heads, queries, rows: side, columns: side, maps };
}

/** The maps of each layer's visual tokens, averaged over the heads: [layers][queries][rows · columns]. */
export function meanOverHeads({ layers, heads, queries, rows, columns, maps }: AttentionMaps): number[][][] {
  const patches = rows * columns;
  const shareOf = (layer: number, query: number, patch: number): number => {
    let sum = 0;
    for (let head = 0; head < heads; head++) {
      sum += maps[((layer * heads + head) * queries + query) * patches + patch];
    }
    return sum / heads;
  };
  const range = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));
  return range(layers, (layer) =>
    range(queries, (query) => range(patches, (patch) => shareOf(layer, query, patch))),
  );
}
