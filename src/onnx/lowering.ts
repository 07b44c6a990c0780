import {
  allocate,
  float32,
  isKind,
  isStatic,
  type Node,
  type OperatorKind,
  type Shape,
  sameDim,
  staticSizes,
  type Tensor,
} from "../tensor/index.ts";
import { lowerQuantizedGather, lowerQuantizedLinear } from "./quantized-lowering.ts";
import { type Attributes, elementTypes, integerConstant, type Writer } from "./writer.ts";

/** Writes one node of a graph as nodes of ONNX. */
export type Lowering<K extends OperatorKind> = (node: Node<K>, writer: Writer) => void;

const namesOf = (tensors: readonly Tensor[], writer: Writer): string[] =>
  tensors.map((tensor) => writer.nameOf(tensor));

/** An operator that ONNX has under a name of its own. */
function direct<K extends OperatorKind>(
  type: string,
  attributes?: (node: Node<K>) => Attributes,
): Lowering<K> {
  return (node, writer) =>
    writer.emit(type, namesOf(node.inputs, writer), [writer.nameOf(node.outputs[0])], attributes?.(node));
}

/** An operator whose whole-number parameters are further inputs in ONNX. */
function withIntegers<K extends OperatorKind>(
  type: string,
  integers: (node: Node<K>) => readonly (readonly number[])[],
  attributes?: Attributes,
): Lowering<K> {
  return (node, writer) => {
    const extra = integers(node).map((values) => integerConstant(writer, values));
    writer.emit(
      type,
      [...namesOf(node.inputs, writer), ...extra],
      [writer.nameOf(node.outputs[0])],
      attributes,
    );
  };
}

/** Results that nobody reads are left out, so that the kernel need not compute them. */
function usedNames(node: Node, writer: Writer): string[] {
  const names = node.outputs.map((tensor) =>
    tensor.index === 0 || writer.isUsed(tensor) ? writer.nameOf(tensor) : "",
  );
  while (names.at(-1) === "") names.pop();
  return names;
}

/** Reshape's target: 0 keeps a symbolic dimension in its place, −1 takes what is left. */
function reshapeTarget(from: Shape, to: Shape): number[] {
  return to.map((d, i) => d.size ?? (from[i] && sameDim(from[i], d) ? 0 : -1));
}

interface Product {
  readonly a: string;
  readonly b: string;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
  readonly ranks: readonly [number, number];
}

const swapLast = (rank: number): number[] => {
  const axes = Array.from({ length: rank }, (_, i) => i);
  return [...axes.slice(0, -2), rank - 1, rank - 2];
};

/** FusedMatMul where it exists; elsewhere transposes, MatMul and a factor. */
function lowerProduct(product: Product, result: string, writer: Writer): void {
  const { a, b, transposeA, transposeB, alpha, ranks } = product;
  if (ranks[0] === 2 && ranks[1] === 2) {
    const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } };
    writer.emit("Gemm", [a, b], [result], attributes);
    return;
  }
  if (writer.kernels.fusedMatMul) {
    const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } };
    writer.emit("FusedMatMul", [a, b], [result], attributes);
    return;
  }
  const left = transposeA ? writer.node("Transpose", [a], { perm: swapLast(ranks[0]) }) : a;
  const right = transposeB ? writer.node("Transpose", [b], { perm: swapLast(ranks[1]) }) : b;
  if (alpha === 1) writer.emit("MatMul", [left, right], [result]);
  else
    writer.emit(
      "Mul",
      [writer.node("MatMul", [left, right]), writer.constant(float32([alpha], []))],
      [result],
    );
}

function lowerMatmul(node: Node<"matmul">, writer: Writer): void {
  const [a, b] = node.inputs;
  const { transposeA, transposeB, alpha } = node.attributes;
  const ranks = [a.shape.length, b.shape.length] as const;
  const product = { a: writer.nameOf(a), b: writer.nameOf(b), transposeA, transposeB, alpha, ranks };
  const isRearranged =
    transposeA &&
    !transposeB &&
    writer.kernels.gemmRepeatsTranspose &&
    ranks[0] === 2 &&
    isWideMatrix(b.shape);
  const left = isRearranged ? writer.node("Transpose", [product.a], { perm: [1, 0] }) : product.a;
  const rest = isRearranged ? { a: left, transposeA: false } : {};
  lowerProduct({ ...product, ...rest }, writer.nameOf(node.outputs[0]), writer);
}

/**
 * Columns from which on a product is faster when its transposed left side is rearranged first: ONNX Runtime's kernel for
 * the CPU does that anew for every 128 columns of the result. `Device` keeps its optimizer from undoing it.
 */
const wideColumns = 320;
const isWideMatrix = (shape: Shape): boolean => shape.length === 2 && (shape[1].size ?? 0) >= wideColumns;

/** One Gemm, bias included, where the sizes are known; reshapes cost nothing. */
function lowerLinear(node: Node<"linear">, writer: Writer): void {
  const [x, weight, bias] = node.inputs;
  const result = writer.nameOf(node.outputs[0]);
  const rest = namesOf(bias ? [weight, bias] : [weight], writer);
  if (x.shape.length === 2) {
    writer.emit("Gemm", [writer.nameOf(x), ...rest], [result], { transB: 1 });
    return;
  }
  if (isStatic(node.outputs[0].shape)) {
    const width = x.shape.at(-1)!.size!;
    const rows = writer.node("Reshape", [writer.nameOf(x), integerConstant(writer, [-1, width])]);
    const flat = writer.node("Gemm", [rows, ...rest], { transB: 1 });
    const sizes = staticSizes(node.outputs[0].shape, "linear");
    writer.emit("Reshape", [flat, integerConstant(writer, sizes)], [result]);
    return;
  }
  const ranks = [x.shape.length, 2] as const;
  const product = { a: writer.nameOf(x), b: rest[0], transposeA: false, transposeB: true, alpha: 1, ranks };
  if (!bias) {
    lowerProduct(product, result, writer);
    return;
  }
  const plain = `${result}_without_bias`;
  lowerProduct(product, plain, writer);
  writer.emit("Add", [plain, rest[1]], [result]);
}

/** What a query may not see gets a score so low that its probability is exactly zero. */
function causalMask(node: Node<"attention">, writer: Writer): string {
  const [queries, keys] = staticSizes(node.outputs[1].shape.slice(2), "causal attention without a KV cache");
  const mask = allocate("float32", [queries, keys]);
  for (let i = 0; i < queries; i++) mask.data.fill(-1e30, i * keys + i + 1, (i + 1) * keys);
  return writer.constant(mask);
}

function lowerAttention(node: Node<"attention">, writer: Writer): void {
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
  lowerProduct(product, scores, writer);
  const masks = [...(mask ? [writer.nameOf(mask)] : []), ...(causal ? [causalMask(node, writer)] : [])];
  const together = masks.length === 2 ? writer.node("Add", masks) : masks[0];
  const masked = together === undefined ? scores : writer.node("Add", [scores, together]);
  writer.emit("Softmax", [masked], [probabilities], { axis: -1 });
  writer.emit("MatMul", [probabilities, writer.nameOf(v)], [context]);
}

/** ONNX Runtime's fused rotary embedding wants heads of a multiple of this width. */
const fusedRotaryWidth = 16;

function lowerCachedAttention(node: Node<"cachedAttention">, writer: Writer): void {
  const { heads, keyValueHeads, scale } = node.attributes;
  const [query, key, value, pastKey, pastValue, lastPosition, totalLength, ...tables] = namesOf(
    node.inputs,
    writer,
  );
  const rest = [value, pastKey, pastValue, lastPosition, totalLength];
  const outputs = namesOf(node.outputs, writer);
  const attributes = { num_heads: heads, kv_num_heads: keyValueHeads, scale: { float: scale } };
  if (tables.length === 1) {
    const bias = slopeBias(query, tables[0], totalLength, heads, writer);
    // Left out between them are the rotary tables and the positions.
    writer.emit("GroupQueryAttention", [query, key, ...rest, "", "", "", bias], outputs, attributes);
    return;
  }
  const [cos, sin] = tables;
  const headDim = node.inputs[3].shape[3].size!;
  if (headDim % fusedRotaryWidth === 0) {
    writer.emit("GroupQueryAttention", [query, key, ...rest, cos, sin], outputs, {
      ...attributes,
      do_rotary: 1,
    });
    return;
  }
  const positions = newPositions(query, lastPosition, totalLength, writer);
  const rotated = [query, key].map((x) => writer.node("RotaryEmbedding", [x, positions, cos, sin]));
  writer.emit("GroupQueryAttention", [...rotated, ...rest], outputs, attributes);
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
  const keys = writer.node(
    "Range",
    [integerConstant(writer, [0]), length, one].map((x) => writer.node("Squeeze", [x])),
  );
  const positions = writer.node("Cast", [keys], { to: elementTypes.float32 });
  const perHead = writer.node("Reshape", [slopes, integerConstant(writer, [1, heads, 1, 1])]);
  const tokens = writer.node("Slice", [writer.node("Shape", [query]), one, integerConstant(writer, [2])]);
  const sizes = writer.node("Concat", [one, integerConstant(writer, [heads]), tokens, length], { axis: 0 });
  return writer.node("Expand", [writer.node("Mul", [perHead, positions]), sizes]);
}

/** Positions [batch, tokens] of the new tokens: from 0 in a first prefill, otherwise up to the last position. */
function newPositions(query: string, lastPosition: string, totalLength: string, writer: Writer): string {
  const int64 = { to: elementTypes.int64 };
  const zero = integerConstant(writer, [0]);
  const one = integerConstant(writer, [1]);
  const tokens = writer.node("Slice", [writer.node("Shape", [query]), one, integerConstant(writer, [2])]);
  const end = writer.node("Add", [writer.node("Cast", [lastPosition], int64), one]);
  const isFirst = writer.node("Equal", [writer.node("Cast", [totalLength], int64), tokens]);
  const start = writer.node("Where", [isFirst, zero, writer.node("Sub", [end, tokens])]);
  const counted = writer.node(
    "Range",
    [zero, tokens, one].map((x) => writer.node("Squeeze", [x])),
  );
  return writer.node("Add", [writer.node("Unsqueeze", [start, one]), counted]);
}

function lowerCrossEntropy(node: Node<"crossEntropy">, writer: Writer): void {
  const [logits, labels] = namesOf(node.inputs, writer);
  const [losses, logProbabilities] = namesOf(node.outputs, writer);
  writer.emit("LogSoftmax", [logits], [logProbabilities], { axis: -1 });
  const column = writer.node("Unsqueeze", [labels, integerConstant(writer, [1])]);
  const picked = writer.node("GatherElements", [logProbabilities, column], { axis: 1 });
  writer.emit("Neg", [writer.node("Squeeze", [picked, integerConstant(writer, [1])])], [losses]);
}

function lowerRmsNorm(node: Node<"rmsNorm">, writer: Writer): void {
  const [x, weight] = namesOf(node.inputs, writer);
  const { epsilon } = node.attributes;
  const names = usedNames(node, writer);
  if (writer.kernels.inverseStdDev || names.length === 1) {
    const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
    writer.emit("SimplifiedLayerNormalization", [x, weight], names, attributes);
    return;
  }
  // The WebGPU kernel leaves its second result unwritten, which gradients need.
  const square = writer.node("ReduceMean", [writer.node("Mul", [x, x]), integerConstant(writer, [-1])], {
    keepdims: 1,
  });
  const padded = writer.node("Add", [square, writer.constant(float32([epsilon], []))]);
  writer.emit("Reciprocal", [writer.node("Sqrt", [padded])], [names[1]]);
  writer.emit("Mul", [writer.node("Mul", [x, names[1]]), weight], [names[0]]);
}

function lowerPad(node: Node<"pad">, writer: Writer): void {
  const { axis, before, after } = node.attributes;
  const rank = node.inputs[0].shape.length;
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = before;
  pads[rank + axis] = after;
  writer.emit(
    "Pad",
    [writer.nameOf(node.inputs[0]), integerConstant(writer, pads)],
    [writer.nameOf(node.outputs[0])],
  );
}

/**
 * Additive scattering goes through ScatterElements: ONNX Runtime's CPU kernel of ScatterND adds from several
 * threads at once and loses updates where an entry is named twice.
 */
function lowerScatterNd(node: Node<"scatterNd">, writer: Writer): void {
  const [x, indices, updates] = node.inputs;
  const result = writer.nameOf(node.outputs[0]);
  if (node.attributes.reduction === "none") {
    writer.emit("ScatterND", namesOf(node.inputs, writer), [result]);
    return;
  }
  const depth = indices.shape[1].size!;
  const sizes = staticSizes(x.shape, "additive scatterNd");
  const width = sizes.slice(depth).reduce((product, size) => product * size, 1);
  const strides = sizes
    .slice(0, depth)
    .map((_, i) => sizes.slice(i + 1, depth).reduce((p, size) => p * size, 1));
  const rows = depth === 1 ? writer.nameOf(indices) : linearRows(writer.nameOf(indices), strides, writer);
  const [count] = staticSizes(indices.shape, "additive scatterNd");
  const spread = writer.node("Expand", [rows, integerConstant(writer, [count, width])]);
  const parts = writer.node("Reshape", [writer.nameOf(updates), integerConstant(writer, [count, width])]);
  const add = { axis: 0, reduction: "add" };
  if (depth === 1 && sizes.length === 2) {
    // No Reshape behind a matrix: one that ends in a graph's output copies it.
    writer.emit("ScatterElements", [writer.nameOf(x), spread, parts], [result], add);
    return;
  }
  const table = writer.node("Reshape", [writer.nameOf(x), integerConstant(writer, [-1, width])]);
  const sum = writer.node("ScatterElements", [table, spread, parts], add);
  writer.emit("Reshape", [sum, integerConstant(writer, sizes)], [result]);
}

/** Several indices a row as one index into the flattened leading axes. */
function linearRows(indices: string, strides: readonly number[], writer: Writer): string {
  const steps = writer.node("Mul", [indices, integerConstant(writer, strides)]);
  return writer.node("ReduceSum", [steps, integerConstant(writer, [1])], { keepdims: 1 });
}

/** Leaves are written where they are named. */
const nothing = (): void => {};

/** ONNX reads an empty list of axes as all of them; here it means none. */
function reduction<K extends "reduceSum" | "reduceMean">(type: string): Lowering<K> {
  return ({ inputs: [x], outputs: [sum], attributes: { axes } }: Node<K>, writer) => {
    if (axes.length === 0) writer.emit("Identity", [writer.nameOf(x)], [writer.nameOf(sum)]);
    else
      writer.emit(type, [writer.nameOf(x), integerConstant(writer, axes)], [writer.nameOf(sum)], {
        keepdims: 1,
      });
  };
}

/** How each operator is written. Complete by type: a new operator without a row does not compile. */
export const lowerings: { readonly [K in OperatorKind]: Lowering<K> } = {
  input: nothing,
  parameter: nothing,
  constant: nothing,
  neg: direct("Neg"),
  exp: direct("Exp"),
  log: direct("Log"),
  sqrt: direct("Sqrt"),
  reciprocal: direct("Reciprocal"),
  sigmoid: direct("Sigmoid"),
  erf: direct("Erf"),
  quickGelu: direct("QuickGelu", (node) => ({ alpha: { float: node.attributes.alpha } })),
  add: direct("Add"),
  sub: direct("Sub"),
  mul: direct("Mul"),
  div: direct("Div"),
  reshape: withIntegers("Reshape", (node) => [reshapeTarget(node.inputs[0].shape, node.attributes.shape)]),
  transpose: direct("Transpose", (node) => ({ perm: node.attributes.permutation })),
  expand: withIntegers("Expand", (node) => [staticSizes(node.attributes.shape, "expand")]),
  concat: direct("Concat", (node) => ({ axis: node.attributes.axis })),
  slice: withIntegers("Slice", ({ attributes: { axis, start, end } }) => [[start], [end], [axis]]),
  split: (node, writer) => {
    const sizes = integerConstant(writer, node.attributes.sizes);
    const inputs = [...namesOf(node.inputs, writer), sizes];
    writer.emit("Split", inputs, namesOf(node.outputs, writer), { axis: node.attributes.axis });
  },
  pad: lowerPad,
  reduceSum: reduction("ReduceSum"),
  reduceMean: reduction("ReduceMean"),
  matmul: lowerMatmul,
  linear: lowerLinear,
  quantizedLinear: lowerQuantizedLinear,
  softmax: direct("Softmax", () => ({ axis: -1 })),
  layerNorm: (node, writer) =>
    writer.emit("LayerNormalization", namesOf(node.inputs, writer), usedNames(node, writer), {
      axis: -1,
      epsilon: { float: node.attributes.epsilon },
    }),
  rmsNorm: lowerRmsNorm,
  rotary: direct("RotaryEmbedding"),
  attention: lowerAttention,
  cachedAttention: lowerCachedAttention,
  gather: direct("Gather", () => ({ axis: 0 })),
  quantizedGather: lowerQuantizedGather,
  gatherNd: direct("GatherND"),
  scatterNd: lowerScatterNd,
  crossEntropy: lowerCrossEntropy,
};

/** Writes a node by the row of its kind. */
export function lower(node: Node, writer: Writer): void {
  lowerTyped(node, node.kind, writer);
}

function lowerTyped<K extends OperatorKind>(node: Node, kind: K, writer: Writer): void {
  if (isKind(node, kind)) lowerings[kind](node, writer);
}
