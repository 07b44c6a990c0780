import { add, dim, mul, type Scope, silu, type Tensor } from "../tensor/index.ts";
import type { MixPositions } from "./language-attention.ts";
import type { LlamaConfig } from "./language-config.ts";
import { linearLayer, rmsNormLayer } from "./layers.ts";

/** A layer's first half up to the context of its attention, in the query's shape [batch, tokens, heads · headDim]. */
export function llamaAttention(scope: Scope, x: Tensor, mix: MixPositions, config: LlamaConfig): Tensor {
  const linearOptions = { bias: false, deviation: config.initializerRange };
  const normal = rmsNormLayer(scope.at("input_layernorm"), x, config.epsilon);
  const all = dim("heads·headDim", config.heads * config.headDim);
  const shared = dim("keyValueHeads·headDim", config.keyValueHeads * config.headDim);
  const attention = scope.at("self_attn");
  return mix(
    linearLayer(attention.at("q_proj"), normal, all, linearOptions),
    linearLayer(attention.at("k_proj"), normal, shared, linearOptions),
    linearLayer(attention.at("v_proj"), normal, shared, linearOptions),
  );
}

/** The rest of a layer: the context's projection, the gated MLP, and both residual sums. */
export function llamaRest(scope: Scope, x: Tensor, context: Tensor, config: LlamaConfig): Tensor {
  const linearOptions = { bias: false, deviation: config.initializerRange };
  const hidden = dim("hidden", config.hidden);
  const attended = add(x, linearLayer(scope.at("self_attn.o_proj"), context, hidden, linearOptions));
  const normal = rmsNormLayer(scope.at("post_attention_layernorm"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const gate = silu(linearLayer(scope.at("mlp.gate_proj"), normal, wide, linearOptions));
  const gated = mul(gate, linearLayer(scope.at("mlp.up_proj"), normal, wide, linearOptions));
  return add(attended, linearLayer(scope.at("mlp.down_proj"), gated, hidden, linearOptions));
}
