import { geluTanh } from "../../src/model/activations.ts";
import { layerNormLayer } from "../../src/model/layers.ts";
import { clip } from "../../src/model/vision/clip.ts";
import { patchCount, patchEmbedding } from "../../src/model/vision/patches.ts";
import { preNormLayer } from "../../src/model/vision/pre-norm-layer.ts";
import type { TowerConfig, VisionTower } from "../../src/model/vision/tower.ts";
import { add, dim } from "../../src/tensor/index.ts";

/** A ViT without a class token: positions for the patches alone, GELU by tanh, a bias on the patch embedding. */
export interface InventedTowerConfig extends TowerConfig {
  readonly tower: "invented";
}

export const inventedTower: VisionTower<InventedTowerConfig> = {
  ...clip,
  title: "Invented",
  modelType: "invented_vision_model",
  readConfig: (json, onProblem) => {
    const read = clip.readConfig({ ...json, hidden_act: "gelu" }, onProblem);
    if (read === undefined) return undefined;
    const { activation: _, ...sizes } = read;
    return { ...sizes, tower: "invented" };
  },
  configJson: (config) => ({
    ...clip.configJson({ ...config, tower: "clip" }),
    model_type: "invented_vision_model",
    hidden_act: "gelu_pytorch_tanh",
  }),
  prefixTokens: () => 0,
  embed: (scope, pixels, config) => {
    const embeddings = scope.at("embeddings");
    const shape = [dim("one", 1), dim("patches", patchCount(config)), dim("hidden", config.hidden)];
    const initial = { kind: "normal", deviation: config.initializerRange } as const;
    const position = embeddings.parameter("position_embedding", shape, initial, "token");
    return add(patchEmbedding(embeddings.at("patch_embed"), pixels, config, { bias: true }), position);
  },
  layer: (scope, x, config) => preNormLayer(scope, x, config, geluTanh),
  finalNorm: (scope, x, config) => layerNormLayer(scope.at("post_layernorm"), x, config.epsilon),
  published: {
    ...clip.published,
    modelTypes: { whole: ["invented"], alone: ["invented_vision"] },
    readConfig: () => undefined,
  },
};
