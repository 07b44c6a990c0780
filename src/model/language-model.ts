import {
  crossEntropy,
  dim,
  gather,
  linear,
  mul,
  type QuantizedWeight,
  quantizedGather,
  quantizedLinear,
  type Scope,
  type Shape,
  type Tensor,
  total,
} from "../tensor/index.ts";
import { bloomAttention, bloomRest } from "./bloom.ts";
import type { Attend, MixPositions } from "./language-attention.ts";
import type { LanguageConfig } from "./language-config.ts";
import { layerNormLayer, rmsNormLayer } from "./layers.ts";
import { llamaAttention, llamaRest } from "./llama.ts";

export { wholeSequenceAttention } from "./language-attention.ts";

/** The scope that holds everything but the head. */
function bodyOf(scope: Scope, config: LanguageConfig): Scope {
  return scope.at(config.family === "bloom" ? "transformer" : "model");
}

function tableShape(config: LanguageConfig): Shape {
  return [dim("vocabulary", config.vocabulary), dim("hidden", config.hidden)];
}

/** A table [vocabulary, hidden], as numbers or in few bits. */
function table(scope: Scope, name: string, config: LanguageConfig): Tensor | QuantizedWeight {
  const initial = { kind: "normal", deviation: config.initializerRange } as const;
  const shape = tableShape(config);
  return scope.quantized(name, shape) ?? scope.parameter(name, shape, initial);
}

function embeddingTable(scope: Scope, config: LanguageConfig): Tensor | QuantizedWeight {
  const name = config.family === "bloom" ? "word_embeddings.weight" : "embed_tokens.weight";
  return table(bodyOf(scope, config), name, config);
}

/**
 * Embeddings of ids [batch, tokens] → [batch, tokens, hidden]; a BLOOM normalises them. Pictures are put in behind
 * this, so their rows are not normalised.
 *
 * @param scope at the published `language_model`
 */
export function embedTokens(scope: Scope, ids: Tensor, config: LanguageConfig): Tensor {
  const words = embeddingTable(scope, config);
  const embedded = "packed" in words ? quantizedGather(words, ids, config.hidden) : gather(words, ids);
  if (config.family !== "bloom") return embedded;
  return layerNormLayer(bodyOf(scope, config).at("word_embeddings_layernorm"), embedded, config.epsilon);
}

/**
 * The decoder layers over embeddings [batch, tokens, hidden], without the final normalisation.
 *
 * @param pick which positions go on after the last layer's attention, all of them if absent; what is behind
 *   it (the last MLP, the head) costs only as much as the picked rows: [batch, tokens, w] → [rows, w]
 */
export function decoderLayers(
  scope: Scope,
  embeddings: Tensor,
  attend: Attend,
  config: LanguageConfig,
  pick: (x: Tensor) => Tensor = (x) => x,
): Tensor {
  let x = embeddings;
  for (let i = 0; i < config.layers; i++) {
    x = decoderLayer(scope, i, x, attend, config, i === config.layers - 1 ? pick : undefined);
  }
  return x;
}

/** One of the decoder layers; see {@link decoderLayers}. */
export function decoderLayer(
  scope: Scope,
  index: number,
  x: Tensor,
  attend: Attend,
  config: LanguageConfig,
  pick: (x: Tensor) => Tensor = (x) => x,
): Tensor {
  const layer = bodyOf(scope, config).at(`${config.family === "bloom" ? "h" : "layers"}.${index}`);
  const context = layerAttention(layer, x, (q, k, v) => attend(index, q, k, v), config);
  return layerRest(layer, pick(x), pick(context), config);
}

function layerAttention(scope: Scope, x: Tensor, mix: MixPositions, config: LanguageConfig): Tensor {
  return config.family === "bloom"
    ? bloomAttention(scope, x, mix, config)
    : llamaAttention(scope, x, mix, config);
}

function layerRest(scope: Scope, x: Tensor, context: Tensor, config: LanguageConfig): Tensor {
  return config.family === "bloom"
    ? bloomRest(scope, x, context, config)
    : llamaRest(scope, x, context, config);
}

/** The normalisation after the last layer. */
export function finalNorm(scope: Scope, x: Tensor, config: LanguageConfig): Tensor {
  const body = bodyOf(scope, config);
  return config.family === "bloom"
    ? layerNormLayer(body.at("ln_f"), x, config.epsilon)
    : rmsNormLayer(body.at("norm"), x, config.epsilon);
}

/** Logits of normalised hidden rows [..., hidden] → [..., vocabulary]. */
export function languageHead(scope: Scope, hidden: Tensor, config: LanguageConfig): Tensor {
  const words = config.tiedEmbeddings
    ? embeddingTable(scope, config)
    : table(scope, "lm_head.weight", config);
  return "packed" in words ? quantizedLinear(hidden, words) : linear(hidden, words);
}

/**
 * Next-token loss: Σ weight · −log softmax(logits)[label] over rows [rows, vocabulary]. The caller's weights
 * carry the mask and the normalisation (1 / counted tokens for a mean), so rows that do not count weigh 0 and
 * a batch in which none counts has the loss 0.
 */
export function nextTokenLoss(logits: Tensor, labels: Tensor, weights: Tensor): Tensor {
  return total(mul(crossEntropy(logits, labels), weights));
}
