import {
  add,
  type Dim,
  type Initial,
  input,
  layerNorm,
  linear,
  mul,
  quantizedLinear,
  rmsNorm,
  type Scope,
  scalar,
  type Tensor,
} from "../tensor/index.ts";

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
 * weight is quantised, and a LoRA (arXiv 2106.09685) is added: y = W x + bias + alpha / rank · B A x. With dropout the
 * LoRA's x is multiplied by a mask of its shape, an input of the graph that {@link isDropoutMask} recognises: 0 for what
 * is dropped, 1 / (1 − rate) for what is kept.
 */
export function linearLayer(scope: Scope, x: Tensor, out: Dim, options: LinearOptions): Tensor {
  const shape = [out, x.shape.at(-1)!];
  const packed = scope.quantized("weight", shape);
  const weight = packed ?? scope.parameter("weight", shape, { kind: "normal", deviation: options.deviation });
  const bias = options.bias ? scope.parameter("bias", [out], zero, "bias") : undefined;
  const y = "packed" in weight ? quantizedLinear(x, weight, bias) : linear(x, weight, bias);
  const lora = scope.lora(shape);
  if (lora === undefined) return y;
  const kept = lora.dropout ? mul(x, input(`${maskPrefix}${scope.path}`, "float32", x.shape)) : x;
  // The factor is applied where the tensor is narrowest.
  const down = mul(linear(kept, lora.a), scalar(lora.scale));
  return add(y, linear(down, lora.b));
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
