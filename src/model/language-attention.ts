import { attention, constant, dim, expand, int64, reshape, rotary, type Tensor } from "../tensor/index.ts";
import { alibiBias } from "./alibi.ts";
import { joinHeads, splitHeads } from "./heads.ts";
import type { LanguageConfig, LlamaConfig } from "./language-config.ts";
import { rotaryTables } from "./rotary-tables.ts";

/**
 * How positions are mixed: takes query [batch, tokens, heads · headDim], key and value [batch, tokens,
 * keyValueHeads · headDim], without anything that tells positions apart, and returns the context in the query's shape.
 */
export type MixPositions = (query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** How layer number `layer` mixes positions; see {@link MixPositions}. */
export type Attend = (layer: number, query: Tensor, key: Tensor, value: Tensor) => Tensor;

/**
 * Attention over whole sequences of known sizes that start at position 0, for training. Padding on the right
 * needs no mask: causality keeps what comes before from seeing it.
 */
export function wholeSequenceAttention(config: LanguageConfig, batch: number, tokens: number): Attend {
  const scale = 1 / Math.sqrt(config.headDim);
  if (config.family === "bloom") {
    const mask = alibiBias(config.heads, tokens);
    return (_, query, key, value) => {
      const [q, k, v] = [query, key, value].map((x) => splitHeads(x, config.heads));
      return joinHeads(attention(q, k, v, { scale, causal: true, mask }), query.shape[2]);
    };
  }
  const turn = rotation(config, batch, tokens);
  return (_, query, key, value) => {
    const q = turn(splitHeads(query, config.heads));
    const k = turn(splitHeads(key, config.keyValueHeads));
    const v = splitHeads(value, config.keyValueHeads);
    const context = attention(q, shareHeads(k, config), shareHeads(v, config), { scale, causal: true });
    return joinHeads(context, query.shape[2]);
  };
}

function rotation(config: LlamaConfig, batch: number, tokens: number): (x: Tensor) => Tensor {
  const { cos, sin } = rotaryTables(config, tokens);
  const positions = constant(
    int64(
      Array.from({ length: batch * tokens }, (_, i) => i % tokens),
      [batch, tokens],
    ),
    ["batch", "tokens"],
  );
  return (x) => rotary(x, positions, cos, sin);
}

/** Grouped-query attention: each key (value) head serves heads / keyValueHeads neighbouring query heads. */
function shareHeads(x: Tensor, config: LlamaConfig): Tensor {
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
