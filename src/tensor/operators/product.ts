import { makeTensor, operandError, type Tensor } from "../node.ts";
import { broadcastShapes, sameDim } from "../shape.ts";
import { requireFloat } from "./elementwise.ts";

export interface MatmulOptions {
  /** Take the last two axes of a the other way round. */
  readonly transposeA?: boolean;
  /** Take the last two axes of b the other way round. */
  readonly transposeB?: boolean;
  /** Factor on the product; 1 if absent. */
  readonly alpha?: number;
}

/** alpha · a b over the last two axes; the axes before them are batch axes and broadcast. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  requireFloat("matmul", a, b);
  if (a.shape.length < 2 || b.shape.length < 2)
    throw operandError("matmul", "both operands have two or more axes", a, b);
  const [rows, inner] = transposeA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!];
  const [inner2, columns] = transposeB
    ? [b.shape.at(-1)!, b.shape.at(-2)!]
    : [b.shape.at(-2)!, b.shape.at(-1)!];
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch || !sameDim(inner, inner2)) {
    const flags = `${transposeA ? "aᵀ" : "a"} ${transposeB ? "bᵀ" : "b"}`;
    throw operandError(
      "matmul",
      `in ${flags} the inner dimensions agree and the batch dimensions broadcast`,
      a,
      b,
    );
  }
  return makeTensor("matmul", [a, b], { transposeA, transposeB, alpha }, "float32", [
    ...batch,
    rows,
    columns,
  ]);
}

/** x Wᵀ + bias: x [..., in], weight [out, in] as PyTorch stores it, bias [out] → [..., out]. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  requireFloat("linear", x, weight);
  if (weight.shape.length !== 2 || x.shape.length < 1 || !sameDim(x.shape.at(-1)!, weight.shape[1])) {
    throw operandError("linear", "the operand's last dimension is the weight's [out, in] second", x, weight);
  }
  if (bias && (bias.shape.length !== 1 || !sameDim(bias.shape[0], weight.shape[0]))) {
    throw operandError("linear", "the bias is as long as the weight's first dimension", bias, weight);
  }
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return makeTensor("linear", inputs, {}, "float32", [...x.shape.slice(0, -1), weight.shape[0]]);
}
