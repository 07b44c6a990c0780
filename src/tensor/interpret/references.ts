import type { OperatorKind } from "../node.ts";
import { attention, cachedAttention, rotary } from "./attention.ts";
import * as elementwise from "./elementwise.ts";
import { toFloat64 } from "./float64-tensor.ts";
import { crossEntropy, gather, gatherNd, scatterNd } from "./indexing.ts";
import { layerNorm, rmsNorm, softmax } from "./normalization.ts";
import { linear, matmul } from "./product.ts";
import { quantizedGather, quantizedLinear } from "./quantized.ts";
import type { Reference } from "./reference.ts";
import { concat, expand, pad, reduceMean, reduceSum, reshape, slice, split, transpose } from "./shaping.ts";

/** Every operator's reference implementation. */
export const references: { readonly [K in OperatorKind]: Reference<K> } = {
  input: (node, _, feed) => [feed(node.attributes.name)],
  parameter: (node, _, feed) => [feed(node.attributes.name)],
  constant: (node) => [toFloat64(node.attributes.value)],
  neg: elementwise.neg,
  exp: elementwise.exp,
  log: elementwise.log,
  sqrt: elementwise.sqrt,
  reciprocal: elementwise.reciprocal,
  sigmoid: elementwise.sigmoid,
  erf: elementwise.erf,
  quickGelu: elementwise.quickGelu,
  add: elementwise.add,
  sub: elementwise.sub,
  mul: elementwise.mul,
  div: elementwise.div,
  reshape,
  transpose,
  expand,
  concat,
  slice,
  split,
  pad,
  reduceSum,
  reduceMean,
  matmul,
  linear,
  quantizedLinear,
  softmax,
  layerNorm,
  rmsNorm,
  rotary,
  attention,
  cachedAttention,
  gather,
  quantizedGather,
  gatherNd,
  scatterNd,
  crossEntropy,
};
