import {
  add,
  attention,
  dim,
  reshape,
  type Scope,
  split,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";
import { joinHeads } from "../heads.ts";
import { layerNormLayer, linearLayer } from "../layers.ts";
import type { TowerConfig } from "./tower.ts";

/** A layer of a ViT whose norms stand before attention and MLP, under an owl's names. */
export function preNormLayer(
  scope: Scope,
  x: Tensor,
  config: TowerConfig,
  activation: (x: Tensor) => Tensor,
): Tensor {
  const hidden = dim("hidden", config.hidden);
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const normal = layerNormLayer(scope.at("input_layernorm"), x, config.epsilon);
  const attended = add(x, selfAttention(scope.at("self_attn"), normal, config));
  const inner = layerNormLayer(scope.at("post_attention_layernorm"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const up = activation(linearLayer(scope.at("mlp.fc1"), inner, wide, linearOptions));
  return add(attended, linearLayer(scope.at("mlp.fc2"), up, hidden, linearOptions));
}

/** Queries, keys and values come from one product whose columns lie as [heads, 3, headDim]. */
function selfAttention(scope: Scope, x: Tensor, config: TowerConfig): Tensor {
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const [images, tokens, hidden] = x.shape;
  const headDim = config.hidden / config.heads;
  const width = dim("3·hidden", 3 * config.hidden);
  const fused = linearLayer(scope.at("query_key_value"), x, width, linearOptions);
  const parts = [dim("heads", config.heads), dim("qkv", 3), dim("headDim", headDim)];
  const laidOut = transpose(reshape(fused, [images, tokens, ...parts]), [3, 0, 2, 1, 4]);
  const [q, k, v] = split(laidOut, 0, [1, 1, 1]).map((part) => reshape(part, part.shape.slice(1)));
  const context = attention(q, k, v, { scale: 1 / Math.sqrt(headDim) });
  return linearLayer(scope.at("dense"), joinHeads(context, hidden), hidden, linearOptions);
}
