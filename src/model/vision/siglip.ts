import { z } from "zod";
import { add, dim, type Scope, type Tensor } from "../../tensor/index.ts";
import { type ActivationName, activations } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { type OnProblem, parsed } from "../config-reading.ts";
import { layerNormLayer, linearLayer } from "../layers.ts";
import { patchCount, patchEmbedding } from "./patches.ts";
import { separateAttention } from "./separate-attention.ts";
import type { TowerConfig, VisionTower } from "./tower.ts";
import { towerShape, towerSizes, towerSizesJson } from "./tower-config.ts";

/** SigLIP's ViT (arXiv 2303.15343), and SigLIP 2's of fixed resolution (arXiv 2502.14786): no token but the patches. */
export interface SiglipConfig extends TowerConfig {
  readonly tower: "siglip";
  /** Inside the MLP. */
  readonly activation: ActivationName;
  /** Whether what the last layer gives is read as it is: without the last normalisation. */
  readonly endsPlain?: true;
}

const schema = z.object({
  ...towerShape({
    hidden: 768,
    layers: 12,
    heads: 12,
    patch: 16,
    activation: "gelu_pytorch_tanh",
    epsilon: 1e-6,
  }),
  intermediate_size: upTo("size").default(3072),
});

function readConfig(json: Record<string, unknown>, onProblem: OnProblem): SiglipConfig | undefined {
  const read = parsed(schema, json, onProblem);
  return (
    read && {
      tower: "siglip",
      ...towerSizes(read, onProblem),
      intermediate: read.intermediate_size,
      activation: read.hidden_act,
    }
  );
}

function embed(scope: Scope, pixels: Tensor, config: SiglipConfig): Tensor {
  const embeddings = scope.at("embeddings");
  const patches = patchEmbedding(embeddings.at("patch_embedding"), pixels, config, { bias: true });
  const shape = [dim("patches", patchCount(config)), dim("hidden", config.hidden)];
  const initial = { kind: "normal", deviation: config.initializerRange } as const;
  return add(patches, embeddings.at("position_embedding").parameter("weight", shape, initial, "token"));
}

function layer(scope: Scope, x: Tensor, config: SiglipConfig): Tensor {
  const options = { bias: true, deviation: config.initializerRange };
  const hidden = dim("hidden", config.hidden);
  const normal = layerNormLayer(scope.at("layer_norm1"), x, config.epsilon);
  const project = (name: string, from: Tensor): Tensor =>
    linearLayer(scope.at(`self_attn.${name}_proj`), from, hidden, options);
  const [query, key, value] = ["q", "k", "v"].map((name) => project(name, normal));
  const attended = add(x, project("out", separateAttention({ query, key, value }, config)));
  const inner = layerNormLayer(scope.at("layer_norm2"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const up = activations[config.activation](linearLayer(scope.at("mlp.fc1"), inner, wide, options));
  return add(attended, linearLayer(scope.at("mlp.fc2"), up, hidden, options));
}

export const siglip: VisionTower<SiglipConfig> = {
  title: "SigLIP",
  modelType: "siglip_vision_model",
  readConfig,
  configJson: (config) => ({
    model_type: siglip.modelType,
    ...towerSizesJson(config, config.activation, { intermediate_size: config.intermediate }),
  }),
  sizes: [],
  layers: "encoder.layers",
  prefixTokens: () => 0,
  embed,
  layer,
  finalNorm: (scope, x, { epsilon, endsPlain }) =>
    endsPlain ? x : layerNormLayer(scope.at("post_layernorm"), x, epsilon),
  hasReleasedPreprocessing: false,
  published: {
    modelTypes: { whole: ["siglip"], alone: ["siglip_vision_model"] },
    readConfig,
    marker: "embeddings.patch_embedding.weight",
    names: [],
    // The pooled output is not what an abstractor reads.
    unused: /^head\./,
    fused: undefined,
    positions: { tensor: "embeddings.position_embedding.weight", prefix: 0, antialias: false },
    takesAnySize: false,
    endsNormalised: true,
    preprocessing: (side) => ({
      image_processor_type: "SiglipImageProcessor",
      size: { height: side, width: side },
    }),
  },
};
