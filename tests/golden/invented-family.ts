import type { DecoderConfig, LanguageFamily } from "../../src/model/language/family.ts";
import { llama } from "../../src/model/language/llama.ts";
import type { RotarySettings } from "../../src/model/language/rotary.ts";
import { linearLayer, rmsNormLayer } from "../../src/model/layers.ts";
import { dim, reshape, type Scope, type Tensor } from "../../src/tensor/index.ts";

/** A LLaMA whose projections have biases, and whose queries and keys are normalised head by head. */
export interface InventedConfig extends DecoderConfig, RotarySettings {
  readonly family: "invented";
  readonly headDim: number;
}

const asLlama = (config: InventedConfig) => ({ ...config, family: "llama" as const });

function perHeadNorm(scope: Scope, x: Tensor, { headDim, epsilon }: InventedConfig): Tensor {
  const [batch, tokens, width] = x.shape;
  const heads = dim("heads", width.size! / headDim);
  const apart = reshape(x, [batch, tokens, heads, dim("headDim", headDim)]);
  return reshape(rmsNormLayer(scope, apart, epsilon), x.shape);
}

const { pictureKeysValues: _, ...asOthers } = llama;

export const invented: LanguageFamily<InventedConfig> = {
  ...asOthers,
  title: "Invented",
  readConfig: (json, onProblem) => {
    const read = llama.readConfig(json, onProblem);
    return read && { ...read, family: "invented" };
  },
  configJson: (config) => ({ ...llama.configJson(asLlama(config)), model_type: "invented" }),
  attention: (layer, x, { attend }, config) => {
    const options = { bias: true, deviation: config.initializerRange };
    const normal = rmsNormLayer(layer.at("input_layernorm"), x, config.epsilon);
    const scope = layer.at("self_attn");
    const project = (name: string, heads: number): Tensor =>
      linearLayer(scope.at(name), normal, dim("heads·headDim", heads * config.headDim), options);
    return attend(
      perHeadNorm(scope.at("q_norm"), project("q_proj", config.heads), config),
      perHeadNorm(scope.at("k_norm"), project("k_proj", config.keyValueHeads), config),
      project("v_proj", config.keyValueHeads),
    );
  },
  postAttention: (layer, rows, config) => llama.postAttention(layer, rows, asLlama(config)),
  finalNorm: (body, x, config) => llama.finalNorm(body, x, asLlama(config)),
  layerAttention: (settings) => ({
    positions: { kind: "rotary", settings },
    scale: 1 / Math.sqrt(settings.headDim),
  }),
  prepareEmbeddings: (_, embeddings) => embeddings,
  enterLayers: (x) => x,
  finishLogits: (logits) => logits,
};
