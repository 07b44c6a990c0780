import { makeNode, makeTensor, operandError, type Tensor } from "../node.ts";
import { broadcastShapes, sameDim, sameShape } from "../shape.ts";
import { requireFloat } from "./elementwise.ts";

/**
 * Rotary position embedding in LLaMA's half-rotating form.
 * x [batch, heads, tokens, headDim]; positions int64 [batch, tokens]; cos, sin [positions, headDim / 2], where
 * positions ≥ tokens (ONNX Runtime asks for that).
 */
export function rotary(x: Tensor, positions: Tensor, cos: Tensor, sin: Tensor): Tensor {
  requireFloat("rotary", x, cos, sin);
  const half = cos.shape[1]?.size;
  const fits =
    x.shape.length === 4 &&
    cos.shape.length === 2 &&
    sameShape(cos.shape, sin.shape) &&
    half !== undefined &&
    x.shape[3].size === 2 * half;
  if (!fits)
    throw operandError(
      "rotary",
      "x is [batch, heads, tokens, headDim], cos and sin [positions, headDim/2]",
      x,
      cos,
      sin,
    );
  if (
    positions.dtype !== "int64" ||
    positions.shape.length !== 2 ||
    !sameDim(positions.shape[1], x.shape[2])
  ) {
    throw operandError("rotary", "positions are int64 [batch, tokens]", positions, x);
  }
  const [tokens, rows] = [x.shape[2].size, cos.shape[0].size];
  if (tokens !== undefined && rows !== undefined && rows < tokens) {
    throw operandError("rotary", "the tables have at least as many rows as there are tokens", cos, x);
  }
  return makeTensor("rotary", [x, positions, cos, sin], {}, "float32", x.shape);
}

export interface AttentionOptions {
  /** Factor on the scores; 1/√headDim in every model here. */
  readonly scale: number;
  /** A query sees only keys up to its own position. */
  readonly causal?: boolean;
  /** Added to the scores before the softmax; broadcasts to [batch, heads, queries, keys]. */
  readonly mask?: Tensor;
}

/**
 * softmax(scale · q kᵀ + mask) v for q [batch, heads, queries, headDim], k and v [batch, heads, keys, headDim].
 * A row that sees nothing (mask −∞ everywhere) is not defined: keep one key visible.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  requireFloat("attention", q, k, v);
  const { scale, causal = false, mask } = options;
  const fits = q.shape.length === 4 && sameShape(k.shape, v.shape) && k.shape.length === 4;
  if (
    !fits ||
    [0, 1, 3].some((i) => !sameDim(q.shape[i], k.shape[i])) ||
    (causal && !sameDim(q.shape[2], k.shape[2]))
  ) {
    throw operandError(
      "attention",
      `q, k, v are [batch, heads, ${causal ? "tokens" : "queries or keys"}, headDim]`,
      q,
      k,
      v,
    );
  }
  const scores = [q.shape[0], q.shape[1], q.shape[2], k.shape[2]];
  const masked = mask && broadcastShapes(mask.shape, scores);
  if (mask && !(masked && sameShape(masked, scores))) {
    throw operandError("attention", "the mask broadcasts to [batch, heads, queries, keys]", mask, q, k);
  }
  return makeNode("attention", mask ? [q, k, v, mask] : [q, k, v], { scale, causal }, [
    { dtype: "float32", shape: q.shape },
    { dtype: "float32", shape: scores },
  ])[0];
}

/** The probabilities [batch, heads, queries, keys] that a result of `attention` was made with. */
export function attentionProbabilities(result: Tensor): Tensor {
  if (result.node.kind !== "attention") {
    throw operandError("attention", "only its own result has probabilities", result);
  }
  return result.node.outputs[1];
}

/** Rotary positions, [positions, headDim / 2] each: queries and keys are rotated. */
interface RotaryPositions {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly slopes?: undefined;
}

/** ALiBi positions, [heads]: slope · the key's position is added to a head's scores. */
interface SlopePositions {
  readonly slopes: Tensor;
  readonly cos?: undefined;
}

/** Queries and keys are used as they are given. */
interface NoPositions {
  readonly cos?: undefined;
  readonly slopes?: undefined;
}

export interface CachedAttentionAttributes {
  readonly heads: number;
  readonly keyValueHeads: number;
  /** Factor on the scores. */
  readonly scale: number;
  /** How many keys a query sees, its own token's among them; absent: all of those before it. */
  readonly window?: number | undefined;
  /** Scores s become cap · tanh(s / cap). */
  readonly cap?: number | undefined;
  /** Whether keys and values are kept in 8 bits, see {@link CacheScales}. */
  readonly quantized?: true | undefined;
}

/**
 * Keys and values kept as int8, which are multiplied by a scale a head and number, [keyValueHeads, 1, headDim]. What is beyond 127
 * times its scale is cut off.
 */
export interface CacheScales {
  readonly keyScale: Tensor;
  readonly valueScale: Tensor;
}

interface CachedOperands {
  /** [batch, tokens, heads · headDim], before the rotary embedding. */
  readonly query: Tensor;
  /** [batch, tokens, keyValueHeads · headDim], before the rotary embedding. */
  readonly key: Tensor;
  /** [batch, tokens, keyValueHeads · headDim] */
  readonly value: Tensor;
  /** [batch, keyValueHeads, capacity, headDim]: rows so far, rotated; what lies behind them is ignored. */
  readonly pastKey: Tensor;
  /** [batch, keyValueHeads, capacity, headDim] */
  readonly pastValue: Tensor;
  /** int32 [batch]: index of each row's last token after this call, counted without padding. */
  readonly lastPosition: Tensor;
  /** int32 [1]: the longest row's length after this call. */
  readonly totalLength: Tensor;
  /** Of caches that are int8; without them they are float32. */
  readonly scales?: CacheScales | undefined;
}

export type CachedAttentionOperands = CachedOperands & (RotaryPositions | SlopePositions | NoPositions);

/**
 * Causal attention of new tokens over a KV cache, positions included (rotary tables, ALiBi's slopes, or none); for
 * inference, without gradient.
 * With totalLength = tokens it is a first prefill (rows may be padded on the right); otherwise row b's new
 * tokens end at lastPosition[b]. Returns [context [batch, tokens, heads · headDim], presentKey, presentValue];
 * the two caches may be the very buffers of the past ones.
 */
export function cachedAttention(
  operands: CachedAttentionOperands,
  attributes: Omit<CachedAttentionAttributes, "quantized">,
): readonly [Tensor, Tensor, Tensor] {
  const { query, key, value, pastKey, pastValue, lastPosition, totalLength, scales } = operands;
  const positions = positionsOf(operands);
  requireFloat("cachedAttention", query, key, value, ...positions);
  requireCaches(operands, attributes);
  const headDim = pastKey.shape[3]?.size;
  const widths = headDim !== undefined && query.shape[2]?.size === attributes.heads * headDim;
  if (
    !widths ||
    key.shape[2]?.size !== attributes.keyValueHeads * headDim ||
    !sameShape(key.shape, value.shape)
  ) {
    throw operandError(
      "cachedAttention",
      "widths are heads · headDim and keyValueHeads · headDim",
      query,
      key,
      value,
      pastKey,
    );
  }
  if (pastKey.shape[1].size !== attributes.keyValueHeads || !sameShape(pastKey.shape, pastValue.shape)) {
    throw operandError(
      "cachedAttention",
      "caches are [batch, keyValueHeads, capacity, headDim]",
      pastKey,
      pastValue,
    );
  }
  if (lastPosition.dtype !== "int32" || totalLength.dtype !== "int32") {
    throw operandError(
      "cachedAttention",
      "lastPosition and totalLength are int32",
      lastPosition,
      totalLength,
    );
  }
  if (
    positions.length === 1 &&
    (positions[0].shape.length !== 1 || positions[0].shape[0].size !== attributes.heads)
  ) {
    throw operandError("cachedAttention", "slopes are [heads]", positions[0], query);
  }
  const inputs = [query, key, value, pastKey, pastValue, lastPosition, totalLength];
  const optional = [...(scales ? [scales.keyScale, scales.valueScale] : []), ...positions];
  const quantized = scales && { quantized: true as const };
  const made = makeNode("cachedAttention", [...inputs, ...optional], { ...attributes, ...quantized }, [
    { dtype: "float32", shape: query.shape },
    { dtype: pastKey.dtype, shape: pastKey.shape },
    { dtype: pastValue.dtype, shape: pastValue.shape },
  ]);
  const [context, presentKey, presentValue] = made;
  return [context, presentKey, presentValue];
}

/** The type of the caches, and the scales of those in 8 bits. */
function requireCaches(
  { pastKey, pastValue, scales }: CachedAttentionOperands,
  { keyValueHeads }: Pick<CachedAttentionAttributes, "keyValueHeads">,
): void {
  const dtype = scales ? "int8" : "float32";
  if (pastKey.dtype !== dtype || pastValue.dtype !== dtype) {
    throw operandError(
      "cachedAttention",
      `caches ${scales ? "with" : "without"} scales are ${dtype}`,
      pastKey,
      pastValue,
    );
  }
  const headDim = pastKey.shape[3]?.size;
  for (const scale of scales ? [scales.keyScale, scales.valueScale] : []) {
    const sizes = scale.shape.map(({ size }) => size);
    if (scale.dtype !== "float32" || sizes.join() !== [keyValueHeads, 1, headDim].join()) {
      throw operandError("cachedAttention", "scales are float32 [keyValueHeads, 1, headDim]", scale, pastKey);
    }
  }
}

/** The parts of a node's operands, in whatever form they are at hand. */
export interface CachedParts<T> {
  readonly query: T;
  readonly key: T;
  readonly value: T;
  readonly pastKey: T;
  readonly pastValue: T;
  readonly lastPosition: T;
  readonly totalLength: T;
  /** Absent where the caches are float32. */
  readonly scales: { readonly key: T; readonly value: T } | undefined;
  /** Rotary tables, one slope a head, or nothing. */
  readonly positions: readonly T[];
}

/** Which of the values that stand for a node's operands is which. */
export function cachedParts<T>(
  { attributes }: { readonly attributes: CachedAttentionAttributes },
  values: readonly T[],
): CachedParts<T> {
  const [query, key, value, pastKey, pastValue, lastPosition, totalLength, ...optional] = values;
  const scales = attributes.quantized && { key: optional[0], value: optional[1] };
  const positions = optional.slice(scales ? 2 : 0);
  return { query, key, value, pastKey, pastValue, lastPosition, totalLength, scales, positions };
}

function positionsOf(operands: CachedAttentionOperands): Tensor[] {
  if (operands.slopes !== undefined) return [operands.slopes];
  return operands.cos === undefined ? [] : [operands.cos, operands.sin];
}
