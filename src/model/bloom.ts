import { add, dim, mul, reshape, type Scope, scalar, sigmoid, split, type Tensor } from "../tensor/index.ts";
import type { MixPositions } from "./language-attention.ts";
import type { BloomConfig } from "./language-config.ts";
import { layerNormLayer, linearLayer } from "./layers.ts";

/** √(2/π) as BLOOM's GELU has it. */
const GELU_FACTOR = 0.79788456;

/** Weight of the cube inside the GELU. */
const GELU_CUBE = 0.044715;

/**
 * A layer's first half up to the context of its attention [batch, tokens, hidden]. Queries, keys and values come
 * from one product whose columns lie as [heads, 3, headDim].
 */
export function bloomAttention(scope: Scope, x: Tensor, mix: MixPositions, config: BloomConfig): Tensor {
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const normal = layerNormLayer(scope.at("input_layernorm"), x, config.epsilon);
  const wide = dim("3·hidden", 3 * config.hidden);
  const fused = linearLayer(scope.at("self_attention.query_key_value"), normal, wide, linearOptions);
  const [batch, tokens] = x.shape;
  const parts = [dim("heads", config.heads), dim("qkv", 3), dim("headDim", config.headDim)];
  const all = dim("heads·headDim", config.hidden);
  const [query, key, value] = split(reshape(fused, [batch, tokens, ...parts]), 3, [1, 1, 1]).map((part) =>
    reshape(part, [batch, tokens, all]),
  );
  return mix(query, key, value);
}

/** The rest of a layer: the context's projection, the MLP, and both residual sums. */
export function bloomRest(scope: Scope, x: Tensor, context: Tensor, config: BloomConfig): Tensor {
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const hidden = dim("hidden", config.hidden);
  const attended = add(x, linearLayer(scope.at("self_attention.dense"), context, hidden, linearOptions));
  const normal = layerNormLayer(scope.at("post_attention_layernorm"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const up = gelu(linearLayer(scope.at("mlp.dense_h_to_4h"), normal, wide, linearOptions));
  return add(attended, linearLayer(scope.at("mlp.dense_4h_to_h"), up, hidden, linearOptions));
}

/** ½ x (1 + tanh u) with u = √(2/π) (x + 0.044715 x³), written as x · σ(2u). */
function gelu(x: Tensor): Tensor {
  const slope = add(mul(mul(x, x), scalar(2 * GELU_FACTOR * GELU_CUBE)), scalar(2 * GELU_FACTOR));
  return mul(x, sigmoid(mul(x, slope)));
}
