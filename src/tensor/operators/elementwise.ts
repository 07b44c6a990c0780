import { makeTensor, type OperatorKind, operandError, type Tensor } from "../node.ts";
import { broadcastShapes } from "../shape.ts";

type Unary = "neg" | "exp" | "log" | "sqrt" | "reciprocal" | "sigmoid" | "tanh" | "erf" | "detach";
type Binary = "add" | "sub" | "mul" | "div";

/** Fails unless the operand holds float32. */
export function requireFloat(kind: OperatorKind, ...operands: Tensor[]): void {
  for (const operand of operands) {
    if (operand.dtype !== "float32")
      throw operandError(kind, `operands are float32 (not ${operand.dtype})`, operand);
  }
}

function unary(kind: Unary, x: Tensor): Tensor {
  requireFloat(kind, x);
  return makeTensor(kind, [x], {}, "float32", x.shape);
}

function binary(kind: Binary, a: Tensor, b: Tensor): Tensor {
  requireFloat(kind, a, b);
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) throw operandError(kind, "shapes are equal or broadcast from the right", a, b);
  return makeTensor(kind, [a, b], {}, "float32", shape);
}

/** −x */
export const neg = (x: Tensor): Tensor => unary("neg", x);
/** eˣ */
export const exp = (x: Tensor): Tensor => unary("exp", x);
/** Natural logarithm. */
export const log = (x: Tensor): Tensor => unary("log", x);
/** Square root. */
export const sqrt = (x: Tensor): Tensor => unary("sqrt", x);
/** 1 / x */
export const reciprocal = (x: Tensor): Tensor => unary("reciprocal", x);
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = (x: Tensor): Tensor => unary("sigmoid", x);
/** (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ) */
export const tanh = (x: Tensor): Tensor => unary("tanh", x);
/** The error function, 2/√π ∫₀ˣ e^(−t²) dt. */
export const erf = (x: Tensor): Tensor => unary("erf", x);
/** x itself, through which no gradient passes: a constant in the backward pass. */
export const detach = (x: Tensor): Tensor => unary("detach", x);
/** a + b, broadcasting. */
export const add = (a: Tensor, b: Tensor): Tensor => binary("add", a, b);
/** a − b, broadcasting. */
export const sub = (a: Tensor, b: Tensor): Tensor => binary("sub", a, b);
/** a · b element by element, broadcasting. */
export const mul = (a: Tensor, b: Tensor): Tensor => binary("mul", a, b);
/** a / b, broadcasting. */
export const div = (a: Tensor, b: Tensor): Tensor => binary("div", a, b);

/** x · σ(alpha · x): QuickGELU for alpha 1.702 (CLIP), SiLU for alpha 1 (LLaMA). */
export function quickGelu(x: Tensor, alpha: number): Tensor {
  requireFloat("quickGelu", x);
  return makeTensor("quickGelu", [x], { alpha }, "float32", x.shape);
}

/** x · σ(x) (LLaMA's activation). */
export const silu = (x: Tensor): Tensor => quickGelu(x, 1);
