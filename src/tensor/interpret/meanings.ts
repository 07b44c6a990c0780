import type { OperatorKind } from "../node.ts";
import { attention, cachedAttention, rotary } from "./attention.ts";
import * as elementwise from "./elementwise.ts";
import { crossEntropy, gather, gatherNd, scatterNd } from "./indexing.ts";
import type { Meaning } from "./meaning.ts";
import { layerNorm, rmsNorm, softmax } from "./normalization.ts";
import { toNumbers } from "./numbers.ts";
import { linear, matmul } from "./product.ts";
import { quantizedGather, quantizedLinear } from "./quantized.ts";
import { concat, expand, pad, reduceMean, reduceSum, reshape, slice, split, transpose } from "./shaping.ts";

/** Every operator's meaning. */
export const meanings: { readonly [K in OperatorKind]: Meaning<K> } = {
  input: (node, _, feed) => [feed(node.attributes.name)],
  parameter: (node, _, feed) => [feed(node.attributes.name)],
  constant: (node) => [toNumbers(node.attributes.value)],
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
