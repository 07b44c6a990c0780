import { once } from "../../primitives/index.ts";
import {
  add,
  attention,
  concat,
  constant,
  dim,
  expand,
  float32,
  input,
  int64,
  matmul,
  reshape,
  rotary,
  slice,
  softmax,
  type Tensor,
} from "../../tensor/index.ts";
import { joinHeads, splitHeads } from "../heads.ts";
import { alibiBias } from "./alibi.ts";
import { softCapped } from "./decoder.ts";
import { familyOf, type LanguageConfig } from "./families.ts";
import type { LayerAttentionSettings } from "./family.ts";
import { type RotarySettings, rotaryTables, turnedWidth } from "./rotary.ts";

/** The attention of layer number `layer`; see `AttentionFunction`. */
export type LayerAttention = (layer: number, query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** Sizes of whole sequences. */
export interface SequenceSizes {
  readonly batch: number;
  readonly tokens: number;
  /** Where a sequence may hold several samples, what keeps them apart; see {@link packedInputs}. */
  readonly packed?: PackedInputs | undefined;
}

/** The inputs that `packedFeeds` makes. */
export interface PackedInputs {
  /** `position_ids` int64 [batch, tokens]. */
  readonly positions: Tensor;
  /** `attention_mask` float32 [batch, 1, tokens, tokens], which is added to the scores. */
  readonly mask: Tensor;
}

/** The inputs of sequences that hold several samples, made once for a graph; undefined where each is one. */
export function packedInputs({
  batch,
  tokens,
  packed,
}: {
  readonly batch: number;
  readonly tokens: number;
  readonly packed?: boolean | undefined;
}): PackedInputs | undefined {
  if (!packed) return undefined;
  const [rows, length] = [dim("batch", batch), dim("tokens", tokens)];
  return {
    positions: input("position_ids", "int64", [rows, length]),
    mask: input("attention_mask", "float32", [rows, dim("one", 1), length, length]),
  };
}

/**
 * Attention over whole sequences of known sizes, for training. They start at position 0; padding on the right
 * needs no mask: causality keeps what comes before from seeing it.
 */
export function wholeSequenceAttention(config: LanguageConfig, sizes: SequenceSizes): LayerAttention {
  const { tokens } = sizes;
  const rotationOf = once((settings: RotarySettings) => rotation(settings, sizes));
  const windowOf = once((window: number) => windowMask(window, tokens));
  const bias = once((heads: number) => alibiBias(heads, tokens));
  const masked = sampleMask(sizes.packed);
  return (layer, query, key, value) => {
    const settings = familyOf(config).layerAttention(config, layer);
    const { positions, window = tokens, cap } = settings;
    const turn = positions.kind === "rotary" ? rotationOf(positions.settings) : (x: Tensor) => x;
    const q = turn(splitHeads(query, config.heads));
    const k = repeatHeads(turn(splitHeads(key, config.keyValueHeads)), config);
    const v = repeatHeads(splitHeads(value, config.keyValueHeads), config);
    const hides = window < tokens || cap !== undefined;
    const own = positions.kind === "alibi" ? bias(config.heads) : hides ? windowOf(window) : undefined;
    return joinHeads(attend(q, k, v, settings, masked(own)), query.shape[2]);
  };
}

/** Adds what hides a sequence's samples from each other to what a layer adds to the scores by itself. */
export function sampleMask(
  packed: PackedInputs | undefined,
): (own: Tensor | undefined) => Tensor | undefined {
  if (packed === undefined) return (own) => own;
  const { mask } = packed;
  return once((own: Tensor | undefined) => (own === undefined ? mask : add(mask, own)));
}

/** @param mask with capped scores it must also hide what comes later */
function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { scale, cap }: LayerAttentionSettings,
  mask: Tensor | undefined,
): Tensor {
  if (cap === undefined) return attention(q, k, v, { scale, causal: true, ...(mask && { mask }) });
  const scores = softCapped(matmul(q, k, { transposeB: true, alpha: scale }), cap);
  return matmul(softmax(add(scores, mask!)), v);
}

/** What a query may not see, what comes later and what lies before its window, gets a score as good as −∞. */
export function windowMask(window: number, tokens: number): Tensor {
  const hidden = new Float32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    const row = query * tokens;
    hidden.fill(-1e30, row, row + Math.max(0, query - window + 1));
    hidden.fill(-1e30, row + query + 1, row + tokens);
  }
  return constant(float32(hidden, [1, 1, tokens, tokens]), ["one", "single", "tokens", "tokens"]);
}

/** Turns heads [batch, heads, tokens, headDim]. */
export function rotation(
  settings: RotarySettings,
  { batch, tokens, packed }: SequenceSizes,
): (x: Tensor) => Tensor {
  const { cos, sin } = rotaryTables(settings, { positions: tokens, length: tokens });
  const counted = (): Tensor =>
    constant(
      int64(
        Array.from({ length: batch * tokens }, (_, i) => i % tokens),
        [batch, tokens],
      ),
      ["batch", "tokens"],
    );
  const positions = packed?.positions ?? counted();
  const width = turnedWidth(settings);
  return (x) => {
    if (width === settings.headDim) return rotary(x, positions, cos, sin);
    const turned = rotary(slice(x, 3, 0, width), positions, cos, sin);
    return concat([turned, slice(x, 3, width, settings.headDim)], 3, "headDim");
  };
}

/** Grouped-query attention: each key (value) head serves heads / keyValueHeads neighbouring query heads. */
export function repeatHeads(x: Tensor, config: LanguageConfig): Tensor {
  if (config.keyValueHeads === config.heads) return x;
  const [batch, shared, tokens, headDim] = x.shape;
  const group = dim("group", config.heads / config.keyValueHeads);
  const repeated = expand(reshape(x, [batch, shared, dim("one", 1), tokens, headDim]), [
    batch,
    shared,
    group,
    tokens,
    headDim,
  ]);
  return reshape(repeated, [batch, dim("heads", config.heads), tokens, headDim]);
}
