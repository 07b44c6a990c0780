import { type KernelSupport, OnnxRuntimeError } from "../../platform/index.ts";
import { allocate, cachedParts, type GraphNode, staticSizes } from "../../tensor/index.ts";
import { elementTypes, integerConstant, type Writer } from "../writer.ts";
import { emitCappedContext } from "./capped-attention.ts";
import { direct, type Lowering, namesOf } from "./lowering.ts";
import { emitProduct } from "./matrix-product.ts";
import { newPositions, newTokens, upTo } from "./new-positions.ts";

export const rotary = direct<"rotary">("RotaryEmbedding");

/** What a query may not see gets a score so low that its probability is exactly zero. */
function causalMask(node: GraphNode<"attention">, writer: Writer): string {
  const [queries, keys] = staticSizes(node.outputs[1].shape.slice(2), "causal attention without a KV cache");
  const mask = allocate("float32", [queries, keys]);
  for (let i = 0; i < queries; i++) mask.data.fill(-1e30, i * keys + i + 1, (i + 1) * keys);
  return writer.constant(mask);
}

export const attention: Lowering<"attention"> = (node, writer) => {
  const [q, k, v, mask] = node.inputs;
  const [context, probabilities] = node.outputs.map((tensor) => writer.nameOf(tensor));
  const scores = `${probabilities}_scores`;
  const { scale, causal } = node.attributes;
  const ranks = [4, 4] as const;
  const product = {
    a: writer.nameOf(q),
    b: writer.nameOf(k),
    transposeA: false,
    transposeB: true,
    alpha: scale,
    ranks,
  };
  emitProduct(product, scores, writer);
  const masks = [...(mask ? [writer.nameOf(mask)] : []), ...(causal ? [causalMask(node, writer)] : [])];
  const together = masks.length === 2 ? writer.node("Add", masks) : masks[0];
  const masked = together === undefined ? scores : writer.node("Add", [scores, together]);
  writer.emit("Softmax", [masked], [probabilities], { axis: -1 });
  writer.emit("MatMul", [probabilities, writer.nameOf(v)], [context]);
};

/** ONNX Runtime's fused rotary embedding wants heads of a multiple of this width. */
const fusedRotaryWidth = 16;

type CachedAttention = GraphNode<"cachedAttention">;

/** Plain operators compute what the target's fused kernel cannot: the context of capped scores. */
const isByPlainOperators = ({ attributes }: CachedAttention, kernels: KernelSupport): boolean =>
  attributes.cap !== undefined && !kernels.cappedAttention;

/** Whether the fused kernel turns queries and keys itself, where anything does. */
function isTurnedByKernel(node: CachedAttention): boolean {
  const { positions } = cachedParts(node, node.inputs);
  return positions.length === 2 && node.inputs[3].shape[3].size! % fusedRotaryWidth === 0;
}

/** Whether attention can be written over one tensor with queries, keys and values side by side. */
export function takesJoined(node: CachedAttention, kernels: KernelSupport): boolean {
  const { positions } = cachedParts(node, node.inputs);
  return !isByPlainOperators(node, kernels) && (positions.length !== 2 || isTurnedByKernel(node));
}

export const cachedAttention: Lowering<"cachedAttention"> = (node, writer) =>
  attentionOverCache(node, namesOf(node.inputs, writer), writer);

/** Attention of these operands, which stand for those of a node. Keys and values are "" where they lie beside the queries. */
export function attentionOverCache(node: CachedAttention, operands: readonly string[], writer: Writer): void {
  const { heads, keyValueHeads, scale, window, cap, quantized } = node.attributes;
  if (isByPlainOperators(node, writer.kernels)) {
    cappedAttention(node, cap!, writer);
    return;
  }
  const parts = cachedParts(node, operands);
  const { query, key, value, pastKey, pastValue, lastPosition, totalLength, scales, positions } = parts;
  const isFused = isTurnedByKernel(node);
  const turnedPositions =
    positions.length === 2 && !isFused ? newPositions(query, lastPosition, totalLength, writer) : undefined;
  const turned = (x: string): string =>
    turnedPositions === undefined ? x : writer.node("RotaryEmbedding", [x, turnedPositions, ...positions]);
  const bias =
    positions.length === 1 ? slopeBias(query, positions[0], totalLength, heads, writer) : undefined;
  const [cos, sin] = isFused ? positions : ["", ""];
  const inputs = [turned(query), turned(key), value, pastKey, pastValue, lastPosition, totalLength];
  // Left out are the positions, and the sinks behind the bias.
  const optional = [cos, sin, "", bias ?? "", "", scales?.key ?? "", scales?.value ?? ""];
  writer.emit("GroupQueryAttention", withoutEnd([...inputs, ...optional]), namesOf(node.outputs, writer), {
    num_heads: heads,
    kv_num_heads: keyValueHeads,
    scale: { float: scale },
    ...(window !== undefined && { local_window_size: window }),
    ...(cap !== undefined && { softcap: { float: cap } }),
    ...(isFused && { do_rotary: 1 }),
    ...(quantized && { k_quant_type: "PER_CHANNEL", v_quant_type: "PER_CHANNEL", kv_cache_bit_width: 8 }),
  });
}

/** Names without those at the end that are left out. */
function withoutEnd(names: readonly string[]): readonly string[] {
  return names.slice(0, 1 + names.findLastIndex((name) => name !== ""));
}

/** The fused kernel writes the caches, and plain operators compute the context of capped scores. */
function cappedAttention(node: CachedAttention, cap: number, writer: Writer): void {
  const { heads, keyValueHeads, scale, window, quantized } = node.attributes;
  const names = namesOf(node.inputs, writer);
  const [query, key, value, pastKey, pastValue, lastPosition, totalLength, ...tables] = names;
  if (quantized) {
    throw new OnnxRuntimeError(
      "attention: capped scores over keys and values in 8 bits are not computed on this device",
    );
  }
  if (tables.length === 1) {
    throw new OnnxRuntimeError(
      "attention: capped scores and slopes together are not computed on this device",
    );
  }
  const turned = (x: string): string => {
    if (tables.length === 0) return x;
    const positions = newPositions(query, lastPosition, totalLength, writer);
    return writer.node("RotaryEmbedding", [x, positions, ...tables]);
  };
  const [context, presentKey, presentValue] = namesOf(node.outputs, writer);
  const turnedQuery = turned(query);
  writer.emit(
    "GroupQueryAttention",
    [turnedQuery, turned(key), value, pastKey, pastValue, lastPosition, totalLength],
    [`${context}_uncapped`, presentKey, presentValue],
    { num_heads: heads, kv_num_heads: keyValueHeads, scale: { float: scale } },
  );
  const headDim = node.inputs[3].shape[3].size!;
  const sizes = { heads, keyValueHeads, headDim, scale, window, cap };
  const operands = { query: turnedQuery, presentKey, presentValue, lastPosition, totalLength };
  emitCappedContext({ ...operands, ...sizes }, context, writer);
}

/** ALiBi's part of the scores, [1, heads, tokens, total length]: slope · the key's position, for every query the same. */
function slopeBias(
  query: string,
  slopes: string,
  totalLength: string,
  heads: number,
  writer: Writer,
): string {
  const one = integerConstant(writer, [1]);
  const length = writer.node("Cast", [totalLength], { to: elementTypes.int64 });
  const positions = writer.node("Cast", [upTo(length, writer)], { to: elementTypes.float32 });
  const perHead = writer.node("Reshape", [slopes, integerConstant(writer, [1, heads, 1, 1])]);
  const tokens = newTokens(query, writer);
  const sizes = writer.node("Concat", [one, integerConstant(writer, [heads]), tokens, length], { axis: 0 });
  return writer.node("Expand", [writer.node("Mul", [perHead, positions]), sizes]);
}
