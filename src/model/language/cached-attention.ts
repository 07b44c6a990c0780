import {
  cachedAttention,
  type Dim,
  dim,
  input,
  pad,
  reshape,
  slice,
  type Tensor,
} from "../../tensor/index.ts";
import { slopeTable } from "./alibi.ts";
import { familyOf, type LanguageConfig } from "./families.ts";
import { rotaryTables } from "./rotary.ts";
import type { LayerAttention } from "./whole-sequence-attention.ts";

/** Sizes of the KV cache that the inference graphs read and write. */
export interface CacheSizes {
  readonly layers: number;
  readonly keyValueHeads: number;
  /** Width of a row of the cache: a head's, rounded up to what the kernel takes. */
  readonly headDim: number;
  /** No row can become longer. */
  readonly maxPositions: number;
}

/** ONNX Runtime's kernel takes heads of a multiple of this many numbers. */
const HEAD_STEP = 8;

/** How a language model's KV cache is laid out: per layer keys and values [batch, keyValueHeads, capacity, headDim]. */
export function cacheSizes(config: LanguageConfig): CacheSizes {
  const { layers, keyValueHeads, headDim, maxPositions } = config;
  return { layers, keyValueHeads, headDim: Math.ceil(headDim / HEAD_STEP) * HEAD_STEP, maxPositions };
}

export interface CachedAttention {
  readonly attention: LayerAttention;
  /** `present_key.N` and `present_value.N` of each layer the model was traced through. */
  readonly present: Readonly<Record<string, Tensor>>;
}

/**
 * Attention of new tokens over a KV cache, for inference. Asks for the inputs `past_key.N`, `past_value.N` in the
 * sizes of `cacheSizes`, `last_position` int32 [batch] and `total_length` int32 [1] (see `cachedAttention`). A
 * present cache may be the very buffer of the past one.
 */
export function attentionOverCache(config: LanguageConfig): CachedAttention {
  const { keyValueHeads, headDim, maxPositions } = cacheSizes(config);
  const batch = dim("batch");
  const cache = [batch, dim("keyValueHeads", keyValueHeads), dim("capacity"), dim("headDim", headDim)];
  const encoding = familyOf(config).positionEncoding(config);
  const positions =
    encoding.kind === "alibi"
      ? { slopes: slopeTable(config.heads) }
      : rotaryTables(encoding.settings, maxPositions, headDim / 2);
  const lastPosition = input("last_position", "int32", [batch]);
  const totalLength = input("total_length", "int32", [dim("one", 1)]);
  const attributes = { heads: config.heads, keyValueHeads, scale: 1 / Math.sqrt(config.headDim) };
  const present: Record<string, Tensor> = {};
  const attention: LayerAttention = (layer, query, key, value) => {
    const [context, presentKey, presentValue] = cachedAttention(
      {
        query: widenHeads(query, config.heads, headDim),
        key: widenHeads(key, keyValueHeads, headDim),
        value: widenHeads(value, keyValueHeads, headDim),
        pastKey: input(`past_key.${layer}`, "float32", cache),
        pastValue: input(`past_value.${layer}`, "float32", cache),
        lastPosition,
        totalLength,
        ...positions,
      },
      attributes,
    );
    present[`present_key.${layer}`] = presentKey;
    present[`present_value.${layer}`] = presentValue;
    return narrowHeads(context, config.heads, config.headDim, query.shape[2]);
  };
  return { attention, present };
}

/** The halves of a head apart, [batch, tokens, heads, 2, half]: the rotary embedding pairs their members. */
function halves(x: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = x.shape;
  const half = dim("half", width.size! / heads / 2);
  return reshape(x, [batch, tokens, dim("heads", heads), dim("halves", 2), half]);
}

/** Zeros behind each half of each head: they add nothing to a score and are never read as a value. */
function widenHeads(x: Tensor, heads: number, headDim: number): Tensor {
  const own = x.shape[2].size! / heads;
  if (own === headDim) return x;
  const wide = pad(halves(x, heads), 4, 0, (headDim - own) / 2);
  return reshape(wide, [x.shape[0], x.shape[1], dim("heads·headDim", heads * headDim)]);
}

/** The inverse of `widenHeads`. */
function narrowHeads(x: Tensor, heads: number, headDim: number, width: Dim): Tensor {
  if (x.shape[2].size === heads * headDim) return x;
  const narrow = slice(halves(x, heads), 4, 0, headDim / 2);
  return reshape(narrow, [x.shape[0], x.shape[1], width]);
}
