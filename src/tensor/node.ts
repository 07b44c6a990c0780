import type { DType, HostTensor } from "./host-tensor.ts";
import { type Shape, showShape } from "./shape.ts";

/** How a parameter is initialised; the trainer draws it from its seed and the parameter's name. */
export type Initial =
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "constant"; readonly value: number }
  /** The Euclidean norms of the rows of another parameter. */
  | { readonly kind: "rowNorms"; readonly of: string };

/**
 * What a parameter is, declared where the model asks for it; optimizers treat parameters by it. An embedding is a table
 * with a row for each vocabulary entry. A token is a learned token or position: an input of the computation, not a map
 * between inputs. A magnitude is that of a LoRA which learns the lengths of a weight's rows.
 */
export type ParameterRole = "weight" | "embedding" | "bias" | "norm" | "token" | "lora" | "magnitude";

/** Bits of a number of a quantised weight. */
export type QuantizedBits = 4 | 8;

/**
 * Precision of the activations in a product with a quantised weight: as they are, or (several times faster) rounded to 8 bits, each
 * block of them by the kernel or each row.
 */
export type ActivationPrecision = "float32" | "int8";

/** Every operator and its attributes. Tables keyed by this type must be complete, or they do not compile. */
export interface OperatorAttributes {
  input: { readonly name: string };
  parameter: {
    readonly name: string;
    readonly initial: Initial;
    readonly trained: boolean;
    readonly role: ParameterRole;
  };
  constant: { readonly value: HostTensor };
  neg: object;
  exp: object;
  log: object;
  sqrt: object;
  reciprocal: object;
  sigmoid: object;
  tanh: object;
  erf: object;
  detach: object;
  quickGelu: { readonly alpha: number };
  add: object;
  sub: object;
  mul: object;
  div: object;
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  expand: { readonly shape: Shape };
  concat: { readonly axis: number };
  slice: { readonly axis: number; readonly start: number; readonly end: number };
  split: { readonly axis: number; readonly sizes: readonly number[] };
  pad: { readonly axis: number; readonly before: number; readonly after: number };
  reduceSum: { readonly axes: readonly number[] };
  reduceMean: { readonly axes: readonly number[] };
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly alpha: number };
  linear: object;
  quantizedLinear: {
    readonly bits: QuantizedBits;
    readonly blockSize: number;
    readonly activations: ActivationPrecision;
  };
  rowQuantizedLinear: { readonly activations: ActivationPrecision };
  softmax: object;
  layerNorm: { readonly epsilon: number };
  rmsNorm: { readonly epsilon: number };
  rotary: object;
  attention: { readonly scale: number; readonly causal: boolean };
  cachedAttention: {
    readonly heads: number;
    readonly keyValueHeads: number;
    readonly scale: number;
    readonly window?: number | undefined;
    readonly cap?: number | undefined;
    readonly quantized?: true | undefined;
  };
  gather: object;
  quantizedGather: { readonly blockSize: number };
  rowQuantizedGather: object;
  gatherNd: object;
  scatterNd: { readonly reduction: "none" | "add" };
  crossEntropy: object;
}

export type OperatorKind = keyof OperatorAttributes;

/** One application of an operator: its inputs, attributes and results. */
export interface GraphNode<K extends OperatorKind = OperatorKind> {
  readonly id: number;
  readonly kind: K;
  readonly inputs: readonly Tensor[];
  readonly attributes: OperatorAttributes[K];
  readonly outputs: readonly Tensor[];
}

/** A value that a graph will compute: what it is, not its numbers. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: Shape;
  /** @internal The node that computes it. */
  readonly node: GraphNode;
  /** @internal Which of the node's outputs this is. */
  readonly index: number;
}

/** Whether a node is of a kind; narrows its attributes. */
export function isKind<K extends OperatorKind>(node: GraphNode, kind: K): node is GraphNode<K> {
  return node.kind === kind;
}

let nodeCount = 0;

/** Makes a node whose results have these types and shapes. Ids grow, so inputs always have smaller ids. */
export function makeNode<K extends OperatorKind>(
  kind: K,
  inputs: readonly Tensor[],
  attributes: OperatorAttributes[K],
  results: readonly { dtype: DType; shape: Shape }[],
): readonly Tensor[] {
  const outputs: Tensor[] = [];
  const node: GraphNode<K> = { id: nodeCount++, kind, inputs, attributes, outputs };
  for (const [index, { dtype, shape }] of results.entries()) outputs.push({ dtype, shape, node, index });
  return outputs;
}

/** A node with one result. */
export function makeTensor<K extends OperatorKind>(
  kind: K,
  inputs: readonly Tensor[],
  attributes: OperatorAttributes[K],
  dtype: DType,
  shape: Shape,
): Tensor {
  return makeNode(kind, inputs, attributes, [{ dtype, shape }])[0];
}

/** A tensor as errors print it: its name if it is an input or parameter, and its shape. */
export function showTensor(tensor: Tensor): string {
  const { node } = tensor;
  const name =
    isKind(node, "parameter") || isKind(node, "input") ? node.attributes.name : `result of ${node.kind}`;
  return `${name} ${showShape(tensor.shape)}`;
}

/** The error of an operator whose operands do not fit. */
export function operandError(kind: OperatorKind, must: string, ...operands: Tensor[]): TypeError {
  return new TypeError(`${kind}: ${must}, got ${operands.map(showTensor).join(" and ")}`);
}
