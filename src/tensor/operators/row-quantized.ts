import { type ActivationPrecision, makeTensor, operandError, type Tensor } from "../node.ts";
import { type Shape, sameDim } from "../shape.ts";
import { requireFloat } from "./elementwise.ts";

/**
 * A weight [rows, width] of signed bytes with one scale a row: number = scale · q. `packed` is int8 [width, rows], transposed as
 * kernels of whole numbers read it; `scales` float32 [rows]; `sums` float32 [rows] are the sums of each row's q, by which a
 * product takes back the zero points of its activations.
 */
export interface RowQuantizedWeight {
  readonly packed: Tensor;
  readonly scales: Tensor;
  readonly sums: Tensor;
  /** How a product takes its other operand; default "float32". */
  readonly activations?: ActivationPrecision;
}

/** A wider row's sum of products of bytes, 255 · 127 each, might not fit 32 bits. */
const WIDEST = 65_536;

/** Shapes of the parts of a weight [rows, width] of one scale a row. */
export function rowQuantizedShapes([rows, width]: Shape): {
  readonly packed: Shape;
  readonly scales: Shape;
  readonly sums: Shape;
} {
  return { packed: [width, rows], scales: [rows], sums: [rows] };
}

/**
 * x Wᵀ + bias with a W [out, in] of one scale a row: x [..., in], bias [out] → [..., out].
 *
 * @throws TypeError where the operands do not fit
 */
export function rowQuantizedLinear(x: Tensor, weight: RowQuantizedWeight, bias?: Tensor): Tensor {
  const kind = "rowQuantizedLinear";
  const { packed, scales, sums, activations = "float32" } = weight;
  requireFloat(kind, x);
  const width = x.shape.at(-1);
  if (width?.size === undefined) throw operandError(kind, "the last dimension has a known size", x);
  if (width.size > WIDEST) throw operandError(kind, `rows have at most ${WIDEST} numbers`, x);
  if (packed.dtype !== "int8" || packed.shape.length !== 2 || !sameDim(packed.shape[0], width)) {
    throw operandError(kind, "packed is int8 [width, rows]", packed, x);
  }
  for (const [name, vector] of Object.entries({ scales, sums, bias })) {
    if (vector === undefined) continue;
    requireFloat(kind, vector);
    if (vector.shape.length !== 1 || !sameDim(vector.shape[0], packed.shape[1])) {
      throw operandError(kind, `${name}: as long as the weight has rows`, vector, packed);
    }
  }
  const inputs = [x, packed, scales, sums, ...(bias ? [bias] : [])];
  const shape = [...x.shape.slice(0, -1), packed.shape[1]];
  return makeTensor(kind, inputs, { activations }, "float32", shape);
}
