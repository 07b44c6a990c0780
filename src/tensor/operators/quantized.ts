import type { DType } from "../host-tensor.ts";
import {
  type ActivationPrecision,
  type GraphNode,
  makeTensor,
  operandError,
  type QuantizedBits,
  type Tensor,
} from "../node.ts";
import { type Dim, dim, type Shape, sameDim } from "../shape.ts";
import { add, requireFloat } from "./elementwise.ts";
import { gather } from "./indexing.ts";
import { linear } from "./product.ts";
import { reduceSum } from "./reduction.ts";
import { reshape } from "./shaping.ts";

/**
 * A weight [rows, width] whose rows are cut into blocks of `blockSize` numbers (the last one filled up), each with a
 * scale of its own: number = scale · (q − zero point). `packed` is uint8 [rows, blocks, blockSize · bits / 8], with
 * 4 bits the earlier number in the lower half of a byte; `scales` float32 [rows, blocks]; `zeroPoints` uint8
 * [rows, ⌈blocks · bits / 8⌉], packed alike; without them every zero point is 2^(bits − 1). `offsets` float32
 * [rows, blocks] are added to every number of their block; the last block is a whole one then.
 */
export interface QuantizedWeight {
  readonly packed: Tensor;
  readonly scales: Tensor;
  readonly zeroPoints: Tensor | undefined;
  readonly offsets?: Tensor | undefined;
  readonly bits: QuantizedBits;
  readonly blockSize: number;
  /** How a product takes its other operand; default "float32". */
  readonly activations?: ActivationPrecision;
}

/** Shapes of the parts of a quantised weight [rows, width]. */
export function quantizedShapes(
  [rows, width]: Shape,
  bits: QuantizedBits,
  blockSize: number,
): { readonly packed: Shape; readonly scales: Shape; readonly zeroPoints: Shape } {
  const blocks = Math.ceil((width.size ?? 0) / blockSize);
  return {
    packed: [rows, dim("blocks", blocks), dim("bytes", (blockSize * bits) / 8)],
    scales: [rows, dim("blocks", blocks)],
    zeroPoints: [rows, dim("bytes", Math.ceil((blocks * bits) / 8))],
  };
}

/** Fails unless the parts of a quantised weight fit each other and a width. */
function requireParts(kind: "quantizedLinear" | "quantizedGather", weight: QuantizedWeight, width: number) {
  const { packed, scales, zeroPoints, offsets, bits, blockSize } = weight;
  const shapes = quantizedShapes([packed.shape[0], dim("width", width)], bits, blockSize);
  const fits = (tensor: Tensor, shape: Shape): boolean =>
    tensor.shape.length === shape.length && tensor.shape.every((d, i) => sameDim(d, shape[i]));
  if (packed.dtype !== "uint8" || !fits(packed, shapes.packed)) {
    throw operandError(kind, `packed is uint8 [rows, blocks, bytes] of blocks of ${blockSize}`, packed);
  }
  requireFloat(kind, scales);
  if (!fits(scales, shapes.scales)) throw operandError(kind, "scales are [rows, blocks]", scales, packed);
  if (zeroPoints && (zeroPoints.dtype !== "uint8" || !fits(zeroPoints, shapes.zeroPoints))) {
    throw operandError(kind, "zero points are uint8 [rows, bytes]", zeroPoints, packed);
  }
  if (offsets === undefined) return;
  requireFloat(kind, offsets);
  if (!fits(offsets, shapes.scales) || width % blockSize !== 0) {
    throw operandError(kind, "offsets are [rows, blocks] of whole blocks", offsets, packed);
  }
}

/** x Wᵀ + bias with a quantised W [out, in]: x [..., in], bias [out] → [..., out]. */
export function quantizedLinear(x: Tensor, weight: QuantizedWeight, bias?: Tensor): Tensor {
  const { packed, scales, zeroPoints, bits, blockSize, activations = "float32" } = weight;
  requireFloat("quantizedLinear", x);
  const width = x.shape.at(-1)?.size;
  if (width === undefined) throw operandError("quantizedLinear", "the last dimension has a known size", x);
  requireParts("quantizedLinear", weight, width);
  if (bias && (bias.shape.length !== 1 || !sameDim(bias.shape[0], packed.shape[0]))) {
    throw operandError("quantizedLinear", "the bias is as long as the weight has rows", bias, packed);
  }
  const inputs = [x, packed, scales, ...(zeroPoints ? [zeroPoints] : []), ...(bias ? [bias] : [])];
  const attributes = { bits, blockSize, activations };
  const shape = [...x.shape.slice(0, -1), packed.shape[0]];
  const product = makeTensor("quantizedLinear", inputs, attributes, "float32", shape);
  // What is added to a whole block meets the sum of its activations.
  if (weight.offsets === undefined) return product;
  const blocks = packed.shape[1];
  const sums = reduceSum(reshape(x, [...x.shape.slice(0, -1), blocks, dim("numbers", blockSize)]), [-1]);
  return add(product, linear(reshape(sums, [...x.shape.slice(0, -1), blocks]), weight.offsets));
}

/** The operands of a quantised product by what they are: the last two may be missing. */
export function quantizedOperands<T>(
  node: GraphNode<"quantizedLinear">,
  operands: readonly T[],
): { x: T; packed: T; scales: T; zeroPoints: T | undefined; bias: T | undefined } {
  const [x, packed, scales] = operands;
  const at = (dtype: DType): T | undefined =>
    operands.find((_, i) => i >= 3 && node.inputs[i].dtype === dtype);
  return { x, packed, scales, zeroPoints: at("uint8"), bias: at("float32") };
}

/**
 * Rows of a table of 8 bits without zero points: indices int64 of any shape → [...indices, width].
 *
 * @param width numbers of a row of the table
 */
export function quantizedGather(weight: QuantizedWeight, indices: Tensor, width: number): Tensor {
  const { packed, scales, zeroPoints, bits, blockSize } = weight;
  if (indices.dtype !== "int64") throw operandError("quantizedGather", "indices are int64", indices);
  if (bits !== 8 || zeroPoints) {
    throw operandError("quantizedGather", "the table has 8 bits and no zero points", packed);
  }
  requireParts("quantizedGather", weight, width);
  const shape = [...indices.shape, dim("width", width)];
  const rows = makeTensor("quantizedGather", [packed, scales, indices], { blockSize }, "float32", shape);
  if (weight.offsets === undefined) return rows;
  const blocks = packed.shape[1];
  const inBlocks = (numbers: Dim): Shape => [...indices.shape, blocks, numbers];
  const offsets = reshape(gather(weight.offsets, indices), inBlocks(dim("one", 1)));
  return reshape(add(reshape(rows, inBlocks(dim("numbers", blockSize))), offsets), shape);
}
