import { z } from "zod";
import { add, dim, type Initial, pad, type Scope, type Tensor } from "../../tensor/index.ts";
import { type ActivationName, activations } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { type OnProblem, parsed } from "../config-reading.ts";
import { layerNormLayer } from "../layers.ts";
import { patchCount, patchEmbedding } from "./patches.ts";
import { preNormLayer } from "./pre-norm-layer.ts";
import type { TowerConfig, VisionTower } from "./tower.ts";
import { type TowerDefaults, towerShape, towerSizes, towerSizesJson } from "./tower-config.ts";

/** CLIP's ViT (arXiv 2103.00020) with a class token and a normalisation before the first layer. */
export interface ClipConfig extends TowerConfig {
  readonly tower: "clip";
  /** Inside the MLP; absent: QuickGELU, as published. Many CLIPs have the exact GELU. */
  readonly activation?: ActivationName;
}

/** Defaults where a config.json leaves them out: an owl's and Hugging Face's differ. */
interface Defaults extends Omit<TowerDefaults, "activation"> {
  readonly intermediate: number;
}

const reader = (defaults: Defaults) => {
  const schema = z.object({
    ...towerShape({ ...defaults, activation: "quick_gelu" }),
    intermediate_size: upTo("size").default(defaults.intermediate),
  });
  return (json: Record<string, unknown>, onProblem: OnProblem): ClipConfig | undefined => {
    const read = parsed(schema, json, onProblem);
    if (read === undefined) return undefined;
    const { hidden, layers, heads, imageSize, patchSize, ...rest } = towerSizes(read, onProblem);
    // Runs are known by a checksum of the config, so the order of its keys stays.
    return {
      tower: "clip",
      hidden,
      layers,
      heads,
      intermediate: read.intermediate_size,
      imageSize,
      patchSize,
      ...(read.hidden_act !== "quick_gelu" && { activation: read.hidden_act }),
      ...rest,
    };
  };
};

function configJson(config: ClipConfig): Record<string, unknown> {
  return {
    model_type: clip.modelType,
    ...towerSizesJson(config, config.activation ?? "quick_gelu", { intermediate_size: config.intermediate }),
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
  hasReleasedPreprocessing: true,
  published: {
    modelTypes: {
      whole: ["clip", "chinese_clip", "metaclip_2"],
      alone: ["clip_vision_model", "chinese_clip_vision_model", "metaclip_2_vision_model"],
    },
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
    unused: /^visual_projection\./,
    fused: { parts: ["q_proj", "k_proj", "v_proj"], whole: "query_key_value" },
    positions: { tensor: "embeddings.position_embedding", prefix: 1, antialias: false },
    takesAnySize: false,
    endsNormalised: false,
    preprocessing: (side) => ({
      image_processor_type: "CLIPImageProcessor",
      size: { shortest_edge: side },
      crop_size: { height: side, width: side },
    }),
  },
};
