import { z } from "zod";
import { add, dim, type Initial, pad, type Scope, type Tensor } from "../../tensor/index.ts";
import { activations } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { initializerRange, type OnProblem, parsed, requireMultiple } from "../config-reading.ts";
import { layerNormLayer } from "../layers.ts";
import { patchCount, patchEmbedding } from "./patches.ts";
import { preNormLayer } from "./pre-norm-layer.ts";
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
    initializer_range: initializerRange,
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
