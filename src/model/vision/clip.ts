import { z } from "zod";
import {
  add,
  attention,
  dim,
  type Initial,
  pad,
  reshape,
  type Scope,
  split,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";
import { activations } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { deviation, type OnProblem, parsed, requireMultiple } from "../config-reading.ts";
import { joinHeads } from "../heads.ts";
import { layerNormLayer, linearLayer } from "../layers.ts";
import { patchCount, patchEmbedding } from "./patches.ts";
import type { TowerConfig, VisionTower } from "./tower.ts";

/** CLIP's ViT (arXiv 2103.00020) with a class token and a normalisation before the first layer. */
export interface ClipConfig extends TowerConfig {
  readonly tower: "clip";
  /** Inside the MLP; absent: QuickGELU, as published. Many CLIPs have the exact GELU. */
  readonly activation?: "gelu";
}

/** Defaults where a config.json leaves them out: an owl's and Hugging Face's differ. */
interface Defaults {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediate: number;
  readonly patch: number;
  readonly epsilon: number;
}

const schemaWith = (defaults: Defaults) =>
  z.object({
    hidden_size: upTo("size").default(defaults.hidden),
    num_hidden_layers: upTo("layers").default(defaults.layers),
    num_attention_heads: upTo("heads").default(defaults.heads),
    intermediate_size: upTo("size").default(defaults.intermediate),
    image_size: upTo("image").default(224),
    patch_size: upTo("size").default(defaults.patch),
    num_channels: z.literal(3).default(3),
    hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
    layer_norm_eps: z.number().positive().default(defaults.epsilon),
    initializer_range: deviation,
  });

const reader = (defaults: Defaults) => {
  const schema = schemaWith(defaults);
  return (json: Record<string, unknown>, onProblem: OnProblem): ClipConfig | undefined => {
    const read = parsed(schema, json, onProblem);
    if (read === undefined) return undefined;
    requireMultiple(
      onProblem,
      "hidden_size",
      read.hidden_size,
      "num_attention_heads",
      read.num_attention_heads,
    );
    requireMultiple(onProblem, "image_size", read.image_size, "patch_size", read.patch_size);
    return {
      tower: "clip",
      hidden: read.hidden_size,
      layers: read.num_hidden_layers,
      heads: read.num_attention_heads,
      intermediate: read.intermediate_size,
      imageSize: read.image_size,
      patchSize: read.patch_size,
      ...(read.hidden_act === "gelu" && { activation: read.hidden_act }),
      epsilon: read.layer_norm_eps,
      initializerRange: read.initializer_range,
    };
  };
};

function configJson(config: ClipConfig): Record<string, unknown> {
  return {
    model_type: clip.modelType,
    hidden_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.intermediate,
    image_size: config.imageSize,
    patch_size: config.patchSize,
    num_channels: 3,
    hidden_act: config.activation ?? "quick_gelu",
    layer_norm_eps: config.epsilon,
    initializer_range: config.initializerRange,
  };
}

function embed(scope: Scope, pixels: Tensor, config: ClipConfig): Tensor {
  const embeddings = scope.at("embeddings");
  const initial: Initial = { kind: "normal", deviation: config.initializerRange };
  const patches = patchEmbedding(embeddings.at("patch_embed"), pixels, config, { bias: false });
  const one = dim("one", 1);
  const hidden = dim("hidden", config.hidden);
  const tokens = dim("tokens", patchCount(config) + 1);
  const classToken = embeddings.parameter("cls_token", [one, one, hidden], initial, "token");
  const position = embeddings.parameter("position_embedding", [one, tokens, hidden], initial, "token");
  // The class token is added to an empty first row, because nothing repeats to a symbolic number of pictures.
  const start = add(pad(patches, 1, 1, 0), add(position, pad(classToken, 1, 0, patchCount(config))));
  return layerNormLayer(embeddings.at("pre_layernorm"), start, config.epsilon);
}

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

export const clip: VisionTower<ClipConfig> = {
  title: "CLIP",
  modelType: "mplug_owl_vision_model",
  readConfig: reader({ hidden: 1024, layers: 24, heads: 16, intermediate: 4096, patch: 14, epsilon: 1e-6 }),
  configJson,
  sizes: [
    { key: "hidden_size", tensor: "embeddings.patch_embed.weight", axis: 0 },
    { key: "patch_size", tensor: "embeddings.patch_embed.weight", axis: 2 },
    { key: "intermediate_size", tensor: "encoder.layers.0.mlp.fc1.weight", axis: 0 },
    { key: "num_hidden_layers", layer: (i) => `encoder.layers.${i}.mlp.fc1.weight` },
  ],
  layers: "encoder.layers",
  prefixTokens: () => 1,
  embed,
  layer: (scope, x, config) => preNormLayer(scope, x, config, activations[config.activation ?? "quick_gelu"]),
  finalNorm: (scope, x, config) => layerNormLayer(scope.at("post_layernorm"), x, config.epsilon),
  published: {
    modelTypes: { whole: "clip", alone: "clip_vision_model" },
    readConfig: reader({ hidden: 768, layers: 12, heads: 12, intermediate: 3072, patch: 32, epsilon: 1e-5 }),
    marker: "embeddings.class_embedding",
    names: [
      [/^embeddings\.class_embedding$/, "embeddings.cls_token"],
      [/^embeddings\.patch_embedding\.weight$/, "embeddings.patch_embed.weight"],
      [/^embeddings\.position_embedding\.weight$/, "embeddings.position_embedding"],
      // The spelling is CLIP's.
      [/^pre_layrnorm\./, "embeddings.pre_layernorm."],
      [/\.layer_norm1\./, ".input_layernorm."],
      [/\.layer_norm2\./, ".post_attention_layernorm."],
      [/\.self_attn\.out_proj\./, ".self_attn.dense."],
    ],
    fused: { parts: ["q_proj", "k_proj", "v_proj"], whole: "query_key_value" },
  },
};
