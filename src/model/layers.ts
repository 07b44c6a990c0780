import {
  add,
  type Dim,
  detach,
  div,
  gather,
  type Initial,
  input,
  type Lora,
  layerNorm,
  linear,
  matmul,
  mul,
  type ParameterRole,
  type QuantizedWeight,
  quantizedGather,
  quantizedLinear,
  type RowQuantizedWeight,
  reduceSum,
  reshape,
  rmsNorm,
  rowQuantizedGather,
  rowQuantizedLinear,
  type Scope,
  type Shape,
  scalar,
  sqrt,
  sub,
  type Tensor,
} from "../tensor/index.ts";

/** A weight [rows, width] as a checkpoint stores it. */
export type StoredWeight = Tensor | QuantizedWeight | RowQuantizedWeight;

const zero: Initial = { kind: "constant", value: 0 };
const one: Initial = { kind: "constant", value: 1 };

export interface LinearOptions {
  readonly bias: boolean;
  /** Standard deviation of fresh weights. */
  readonly deviation: number;
}

const maskPrefix = "dropout.";

/** Whether a graph's input of this name is a layer's dropout mask. */
export const isDropoutMask = (inputName: string): boolean => inputName.startsWith(maskPrefix);

/**
 * The linear layer at a scope: parameters `weight` [out, in] and, if wanted, `bias` [out]. By the scope's options the
 * weight is quantised, and a LoRA (arXiv 2106.09685) is added: y = W x + bias + scale · B A x. With dropout the
 * LoRA's x is multiplied by a mask of its shape, an input of the graph that {@link isDropoutMask} recognises: 0 for what
 * is dropped, 1 / (1 − rate) for what is kept.
 *
 * @throws TypeError where a DoRA stands beside a quantised weight
 */
export function linearLayer(scope: Scope, x: Tensor, out: Dim, options: LinearOptions): Tensor {
  const shape = [out, x.shape.at(-1)!];
  const weight = storedWeight(scope, "weight", shape, {
    initial: { kind: "normal", deviation: options.deviation },
  });
  const bias = options.bias ? scope.parameter("bias", [out], zero, "bias") : undefined;
  const lora = scope.lora(shape);
  const mask = lora?.dropout ? input(`${maskPrefix}${scope.path}`, "float32", x.shape) : undefined;
  if (lora?.magnitude !== undefined) {
    if ("packed" in weight)
      throw new TypeError(
        `${scope.path}: a DoRA needs the weight in floating point beside it, got a quantised one`,
      );
    return doraLayer(x, { weight, bias, mask }, { ...lora, magnitude: lora.magnitude });
  }
  const y = product(x, weight, bias);
  return lora === undefined ? y : add(y, lowRank(masked(x, mask), lora));
}

/** The weight of this name as the scope's options store it; where that is in floating point, with this initial value and role. */
export function storedWeight(
  scope: Scope,
  name: string,
  shape: Shape,
  { initial, role }: { readonly initial: Initial; readonly role?: ParameterRole },
): StoredWeight {
  const packed = scope.quantized(name, shape) ?? scope.quantizedRows(name, shape);
  return packed ?? scope.parameter(name, shape, initial, role);
}

/** x Wᵀ + bias as the weight is stored: x [..., width], bias [rows] → [..., rows]. */
export function product(x: Tensor, weight: StoredWeight, bias?: Tensor): Tensor {
  if (!("packed" in weight)) return linear(x, weight, bias);
  return "sums" in weight ? rowQuantizedLinear(x, weight, bias) : quantizedLinear(x, weight, bias);
}

/** Rows of a weight as it is stored: indices int64 of any shape → [...indices, width]. */
export function rowsOf(weight: StoredWeight, indices: Tensor, width: number): Tensor {
  if (!("packed" in weight)) return gather(weight, indices);
  return "sums" in weight ? rowQuantizedGather(weight, indices) : quantizedGather(weight, indices, width);
}

const masked = (x: Tensor, mask: Tensor | undefined): Tensor => (mask === undefined ? x : mul(x, mask));

/** scale · B A x; the factor is applied where the tensor is narrowest. */
const lowRank = (x: Tensor, { a, b, scale }: Lora): Tensor => linear(mul(linear(x, a), scalar(scale)), b);

interface DoraOperands {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly mask: Tensor | undefined;
}

/**
 * A linear layer whose weight has learned row lengths m: V = W + scale · B A, y = m / ‖V‖ · V x + bias, as PEFT computes it. The
 * lengths ‖V‖ count as constants in the gradient (arXiv 2402.09353 §4.3). With dropout W's own x stays whole, and what the DoRA
 * changes has the masked one: y = W x + bias + (m / ‖V‖ · V − W) (mask · x).
 */
function doraLayer(
  x: Tensor,
  { weight, bias, mask }: DoraOperands,
  lora: Lora & { readonly magnitude: Tensor },
): Tensor {
  const whole = add(weight, matmul(lora.b, lora.a, { alpha: lora.scale }));
  const norms = reshape(sqrt(reduceSum(mul(whole, whole), [-1])), lora.magnitude.shape);
  const factor = div(lora.magnitude, detach(norms));
  const kept = masked(x, mask);
  const own = linear(kept, weight);
  const changed = mul(add(own, lowRank(kept, lora)), factor);
  if (mask !== undefined) return add(linear(x, weight, bias), sub(changed, own));
  return bias === undefined ? changed : add(changed, bias);
}

/** The layer normalisation at a scope: parameters `weight` and `bias`. */
export function layerNormLayer(scope: Scope, x: Tensor, epsilon: number): Tensor {
  const shape = [x.shape.at(-1)!];
  const weight = scope.parameter("weight", shape, one, "norm");
  return layerNorm(x, weight, scope.parameter("bias", shape, zero, "norm"), epsilon);
}

/**
 * The RMS normalisation at a scope: parameter `weight`.
 *
 * @param offset is added to the weight, whose initial value is 1 with it
 */
export function rmsNormLayer(scope: Scope, x: Tensor, epsilon: number, offset = 0): Tensor {
  const initial: Initial = { kind: "constant", value: 1 - offset };
  const weight = scope.parameter("weight", [x.shape.at(-1)!], initial, "norm");
  return rmsNorm(x, offset === 0 ? weight : add(weight, scalar(offset)), epsilon);
}
