import {
  crossEntropy,
  dim,
  gather,
  linear,
  mul,
  type ParameterRole,
  type QuantizedWeight,
  quantizedGather,
  quantizedLinear,
  type Scope,
  type Shape,
  type Tensor,
  total,
} from "../tensor/index.ts";
import { familyOf, type LanguageConfig } from "./language/families.ts";
import type { LayerAttention } from "./language/whole-sequence-attention.ts";

/** The scope that holds everything but the head. */
function bodyOf(scope: Scope, config: LanguageConfig): Scope {
  return scope.at(familyOf(config).names.body);
}

function tableShape(config: LanguageConfig): Shape {
  return [dim("vocabulary", config.vocabulary), dim("hidden", config.hidden)];
}

/** A table [vocabulary, hidden], in floating point or quantised. */
function table(
  scope: Scope,
  name: string,
  config: LanguageConfig,
  role: ParameterRole,
): Tensor | QuantizedWeight {
  const initial = { kind: "normal", deviation: config.initializerRange } as const;
  const shape = tableShape(config);
  return scope.quantized(name, shape) ?? scope.parameter(name, shape, initial, role);
}

function embeddingTable(scope: Scope, config: LanguageConfig): Tensor | QuantizedWeight {
  return table(bodyOf(scope, config), `${familyOf(config).names.embeddings}.weight`, config, "embedding");
}

/**
 * Embeddings of ids [batch, tokens] → [batch, tokens, hidden].
 *
 * @param scope at the published `language_model`
 */
export function embedTokens(scope: Scope, ids: Tensor, config: LanguageConfig): Tensor {
  const words = embeddingTable(scope, config);
  const embedded = "packed" in words ? quantizedGather(words, ids, config.hidden) : gather(words, ids);
  return familyOf(config).prepareEmbeddings(bodyOf(scope, config), embedded, config);
}

/**
 * The decoder layers over embeddings [batch, tokens, hidden], without the final normalisation.
 *
 * @param selectRows which positions go on after the last layer's attention, all of them if absent; what is behind
 *   it (the last MLP, the head) costs only as much as the selected rows: [batch, tokens, w] → [rows, w]
 */
export function decoderLayers(
  scope: Scope,
  embeddings: Tensor,
  attention: LayerAttention,
  config: LanguageConfig,
  selectRows: (x: Tensor) => Tensor = (x) => x,
): Tensor {
  let x = embeddings;
  for (let i = 0; i < config.layers; i++) {
    const isLast = i === config.layers - 1;
    const layer = decoderLayer(scope, i, x, attention, config, isLast ? selectRows : undefined);
    x = scope.boundary(layer);
  }
  return x;
}

/** One of the decoder layers; see {@link decoderLayers}. */
export function decoderLayer(
  scope: Scope,
  index: number,
  x: Tensor,
  attention: LayerAttention,
  config: LanguageConfig,
  selectRows: (x: Tensor) => Tensor = (x) => x,
): Tensor {
  const family = familyOf(config);
  const layer = bodyOf(scope, config).at(`${family.names.layers}.${index}`);
  const entered = index === 0 ? family.enterLayers(x, config) : x;
  const context = family.attention(layer, entered, (q, k, v) => attention(index, q, k, v), config);
  return family.postAttention(layer, selectRows(entered), selectRows(context), config);
}

/** The normalisation after the last layer. */
export function finalNorm(scope: Scope, x: Tensor, config: LanguageConfig): Tensor {
  return familyOf(config).finalNorm(bodyOf(scope, config), x, config);
}

/** Logits of normalised hidden rows [..., hidden] → [..., vocabulary]. */
export function languageHead(scope: Scope, hidden: Tensor, config: LanguageConfig): Tensor {
  const words = config.tiedEmbeddings
    ? embeddingTable(scope, config)
    : table(scope, "lm_head.weight", config, "weight");
  const logits = "packed" in words ? quantizedLinear(hidden, words) : linear(hidden, words);
  return familyOf(config).finishLogits(logits, config);
}

/**
 * Next-token loss: Σ weight · −log softmax(logits)[label] over rows [rows, vocabulary]. The caller's weights
 * carry the mask and the normalisation (1 / counted tokens for a mean), so rows that do not count weigh 0 and
 * a batch in which none counts has the loss 0.
 */
export function nextTokenLoss(logits: Tensor, labels: Tensor, weights: Tensor): Tensor {
  return total(mul(crossEntropy(logits, labels), weights));
}
