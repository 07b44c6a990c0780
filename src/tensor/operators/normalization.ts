import { makeNode, makeTensor, operandError, type Tensor } from "../node.ts";
import { dim, type Shape, sameDim } from "../shape.ts";
import { requireFloat } from "./elementwise.ts";

const statistics = (x: Tensor): Shape =>
  x.shape.map((d, i) => (i === x.shape.length - 1 ? dim(d.name, 1) : d));

function requireLast(kind: "layerNorm" | "rmsNorm", x: Tensor, weight: Tensor): void {
  requireFloat(kind, x, weight);
  if (weight.shape.length !== 1 || !sameDim(weight.shape[0], x.shape.at(-1)!)) {
    throw operandError(kind, "weight and bias are vectors as long as the last dimension", x, weight);
  }
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  requireFloat("softmax", x);
  return makeTensor("softmax", [x], {}, "float32", x.shape);
}

/** Layer normalisation over the last axis: (x − mean) / √(variance + epsilon) · weight + bias. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  requireLast("layerNorm", x, weight);
  requireLast("layerNorm", x, bias);
  const one = { dtype: "float32", shape: statistics(x) } as const;
  return makeNode("layerNorm", [x, weight, bias], { epsilon }, [
    { dtype: "float32", shape: x.shape },
    one,
    one,
  ])[0];
}

/** Root-mean-square normalisation over the last axis (LLaMA): x / √(mean(x²) + epsilon) · weight. */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  requireLast("rmsNorm", x, weight);
  const one = { dtype: "float32", shape: statistics(x) } as const;
  return makeNode("rmsNorm", [x, weight], { epsilon }, [{ dtype: "float32", shape: x.shape }, one])[0];
}
