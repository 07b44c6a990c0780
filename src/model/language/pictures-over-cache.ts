import { once } from "../../primitives/index.ts";
import { add, concat, type Dim, dim, input, type Shape, softmax, type Tensor } from "../../tensor/index.ts";
import { familyOf, type LanguageConfig } from "./families.ts";
import type { KeysValues, LayerPictures } from "./family.ts";
import { groupedContext, groupedScores } from "./grouped-attention.ts";

/** What looking at pictures needs of the attention over the KV cache. */
export interface CacheParts {
  readonly config: LanguageConfig;
  /** [batch, keyValueHeads, capacity, headDim] */
  readonly cacheShape: Shape;
  /** The text's own attention of a layer, and its keys and values so far. */
  attend(layer: number, query: Tensor, text: KeysValues): KeysValues & { readonly context: Tensor };
  /** A query's heads [batch, heads, tokens, headDim] of the cache's width, turned. */
  heads(layer: number, query: Tensor): Tensor;
  /** The inverse for a context, of such a width. */
  joined(context: Tensor, width: Dim): Tensor;
}

/** What layers see of pictures, and how they share out their attention. */
export interface PicturesOverCache {
  readonly pictures: (layer: number) => LayerPictures;
  /**
   * `attention.N` of each such layer that the model was traced through: [batch, heads, tokens, visual], or where pictures and text share a
   * softmax [batch, heads, tokens, visual + capacity]. What a token that sees no picture has of the former is without meaning.
   */
  readonly shares: Readonly<Record<string, Tensor>>;
}

/**
 * What layers see of pictures whose keys and values are kept. Asks for the inputs `picture_key.N`, `picture_value.N`
 * [batch, keyValueHeads, visual, headDim] of each such layer, turned already, `picture_mask` float32 [batch, 1, tokens, visual], added to the
 * scores, `picture_seen` float32 [batch, tokens, 1], and where pictures and text share a softmax `text_mask` float32 [batch, 1, tokens,
 * capacity].
 */
export function picturesOverCache(parts: CacheParts): PicturesOverCache {
  const { config, cacheShape } = parts;
  const [batch, shared, capacity, headDim] = cacheShape;
  const [one, visual] = [dim("one", 1), dim("visual")];
  const maskOf = once((tokens: Dim) => input("picture_mask", "float32", [batch, one, tokens, visual]));
  const seen = once((tokens: Dim) => input("picture_seen", "float32", [batch, tokens, one]));
  const textMaskOf = once((tokens: Dim) => input("text_mask", "float32", [batch, one, tokens, capacity]));
  const shares: Record<string, Tensor> = {};
  const noted = (layer: number, scores: Tensor): Tensor => {
    shares[`attention.${layer}`] = softmax(scores);
    return shares[`attention.${layer}`];
  };
  const pictures = (layer: number): LayerPictures => {
    const { scale } = familyOf(config).layerAttention(config, layer);
    const kept = (name: string): Tensor =>
      input(`picture_${name}.${layer}`, "float32", [batch, shared, visual, headDim]);
    const [keys, values] = [kept("key"), kept("value")];
    const scoresOf = (query: Tensor): Tensor =>
      add(groupedScores(parts.heads(layer, query), keys, scale), maskOf(query.shape[1]));
    return {
      seen,
      over: (query) => parts.joined(groupedContext(noted(layer, scoresOf(query)), values), query.shape[2]),
      withText: (query, text) => {
        const all = parts.attend(layer, query, text);
        const ofText = groupedScores(parts.heads(layer, query), all.key, scale);
        const scores = [scoresOf(query), add(ofText, textMaskOf(query.shape[1]))];
        const both = concat([values, all.value], 2, "visual+capacity");
        const weights = noted(layer, concat(scores, 3, "visual+capacity"));
        return parts.joined(groupedContext(weights, both), query.shape[2]);
      },
    };
  };
  return { pictures, shares };
}
