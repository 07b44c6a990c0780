import {
  add,
  attention,
  concat,
  constant,
  dim,
  expand,
  float32,
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

/**
 * Attention over whole sequences of known sizes that start at position 0, for training. Padding on the right
 * needs no mask: causality keeps what comes before from seeing it.
 */
export function wholeSequenceAttention(
  config: LanguageConfig,
  batch: number,
  tokens: number,
): LayerAttention {
  const rotationOf = once((settings: RotarySettings) => rotation(settings, batch, tokens));
  const maskOf = once((window: number) => windowMask(window, tokens));
  const bias = once((heads: number) => alibiBias(heads, tokens));
  return (layer, query, key, value) => {
    const settings = familyOf(config).layerAttention(config, layer);
    const { positions, window = tokens } = settings;
    const turn = positions.kind === "rotary" ? rotationOf(positions.settings) : (x: Tensor) => x;
    const q = turn(splitHeads(query, config.heads));
    const k = repeatHeads(turn(splitHeads(key, config.keyValueHeads)), config);
    const v = repeatHeads(splitHeads(value, config.keyValueHeads), config);
    const mask =
      positions.kind === "alibi" ? bias(config.heads) : window < tokens ? maskOf(window) : undefined;
    return joinHeads(attend(q, k, v, settings, mask), query.shape[2]);
  };
}

/** A function that makes each result once. */
export function once<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key)!;
  };
}

function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { scale, cap }: LayerAttentionSettings,
  mask: Tensor | undefined,
): Tensor {
  if (cap === undefined) return attention(q, k, v, { scale, causal: true, ...(mask && { mask }) });
  const tokens = q.shape[2].size!;
  const scores = softCapped(matmul(q, k, { transposeB: true, alpha: scale }), cap);
  return matmul(softmax(add(scores, mask ?? windowMask(tokens, tokens))), v);
}

/** What a query may not see, what comes later and what lies before its window, gets a score as good as −∞. */
function windowMask(window: number, tokens: number): Tensor {
  const hidden = new Float32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    const row = query * tokens;
    hidden.fill(-1e30, row, row + Math.max(0, query - window + 1));
    hidden.fill(-1e30, row + query + 1, row + tokens);
  }
  return constant(float32(hidden, [1, 1, tokens, tokens]), ["one", "single", "tokens", "tokens"]);
}

/** Turns heads [batch, heads, tokens, headDim]. */
function rotation(settings: RotarySettings, batch: number, tokens: number): (x: Tensor) => Tensor {
  const { cos, sin } = rotaryTables(settings, { positions: tokens, length: tokens });
  const positions = constant(
    int64(
      Array.from({ length: batch * tokens }, (_, i) => i % tokens),
      [batch, tokens],
    ),
    ["batch", "tokens"],
  );
  const width = turnedWidth(settings);
  return (x) => {
    if (width === settings.headDim) return rotary(x, positions, cos, sin);
    const turned = rotary(slice(x, 3, 0, width), positions, cos, sin);
    return concat([turned, slice(x, 3, width, settings.headDim)], 3, "headDim");
  };
}

/** Grouped-query attention: each key (value) head serves heads / keyValueHeads neighbouring query heads. */
function repeatHeads(x: Tensor, config: LanguageConfig): Tensor {
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
