import { attention, constant, dim, expand, int64, reshape, rotary, type Tensor } from "../../tensor/index.ts";
import { joinHeads, splitHeads } from "../heads.ts";
import { alibiBias } from "./alibi.ts";
import { familyOf, type LanguageConfig } from "./families.ts";
import { type RotarySettings, rotaryTables } from "./rotary.ts";

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
  const encoding = familyOf(config).positionEncoding(config);
  const isRotary = encoding.kind === "rotary";
  const rotate = isRotary ? rotation(encoding.settings, batch, tokens) : (x: Tensor) => x;
  const options = {
    scale: 1 / Math.sqrt(config.headDim),
    causal: true,
    ...(!isRotary && { mask: alibiBias(config.heads, tokens) }),
  };
  return (_, query, key, value) => {
    const q = rotate(splitHeads(query, config.heads));
    const k = rotate(splitHeads(key, config.keyValueHeads));
    const v = splitHeads(value, config.keyValueHeads);
    const context = attention(q, repeatHeads(k, config), repeatHeads(v, config), options);
    return joinHeads(context, query.shape[2]);
  };
}

function rotation(settings: RotarySettings, batch: number, tokens: number): (x: Tensor) => Tensor {
  const { cos, sin } = rotaryTables(settings, tokens);
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
