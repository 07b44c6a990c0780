import {
  type ActivationPrecision,
  makeTensor,
  type OperatorKind,
  operandError,
  type Tensor,
} from "../node.ts";
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
  if (!isPacked(packed) || !sameDim(packed.shape[0], width)) {
    throw operandError(kind, "packed is int8 [width, rows]", packed, x);
  }
  requireOneARow(kind, packed, { scales, sums, bias });
  const inputs = [x, packed, scales, sums, ...(bias ? [bias] : [])];
  const shape = [...x.shape.slice(0, -1), packed.shape[1]];
  return makeTensor(kind, inputs, { activations }, "float32", shape);
}

/**
 * Rows of a table of one scale a row: indices int64 of any shape → [...indices, width].
 *
 * @throws TypeError where the operands do not fit
 */
export function rowQuantizedGather(weight: RowQuantizedWeight, indices: Tensor): Tensor {
  const kind = "rowQuantizedGather";
  const { packed, scales } = weight;
  if (indices.dtype !== "int64") throw operandError(kind, "indices are int64", indices);
  if (!isPacked(packed)) throw operandError(kind, "packed is int8 [width, rows]", packed);
  requireOneARow(kind, packed, { scales });
  return makeTensor(kind, [packed, scales, indices], {}, "float32", [...indices.shape, packed.shape[0]]);
}

const isPacked = ({ dtype, shape }: Tensor): boolean => dtype === "int8" && shape.length === 2;

/** Fails unless vectors have a number for each row of a weight. */
function requireOneARow(
  kind: OperatorKind,
  packed: Tensor,
  vectors: Readonly<Record<string, Tensor | undefined>>,
): void {
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector === undefined) continue;
    requireFloat(kind, vector);
    if (vector.shape.length !== 1 || !sameDim(vector.shape[0], packed.shape[1])) {
      throw operandError(kind, `${name}: as long as the weight has rows`, vector, packed);
    }
  }
}
