import {
  add,
  erf,
  mul,
  scalar,
  quickGelu as scaledSwish,
  sigmoid,
  silu,
  type Tensor,
} from "../tensor/index.ts";

/** The exact GELU: ½ x (1 + erf(x / √2)). */
export function gelu(x: Tensor): Tensor {
  const half = mul(x, scalar(0.5));
  return add(half, mul(half, erf(mul(x, scalar(Math.SQRT1_2)))));
}

/** CLIP's QuickGELU: x · σ(1.702 x). */
export function quickGelu(x: Tensor): Tensor {
  return scaledSwish(x, 1.702);
}

/** GELU by tanh: ½ x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³), written as x · σ(2u). */
export function geluTanh(x: Tensor): Tensor {
  const factor = 2 * Math.sqrt(2 / Math.PI);
  const slope = add(mul(mul(x, x), scalar(factor * 0.044715)), scalar(factor));
  return mul(x, sigmoid(mul(x, slope)));
}

/** Activations that config.json names (`hidden_act`). */
export type ActivationName = "quick_gelu" | "gelu" | "gelu_new" | "gelu_pytorch_tanh" | "silu" | "swish";

/** Activations by the names that config.json has for them. */
export const activations: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  quick_gelu: quickGelu,
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  silu,
  swish: silu,
};

export const activationNames = Object.keys(activations) as [ActivationName, ...ActivationName[]];
