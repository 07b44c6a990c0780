import {
  add,
  crossEntropy,
  detach,
  dim,
  gatherNd,
  mul,
  type ParameterRole,
  type Scope,
  type Shape,
  scalar,
  scatterNd,
  slice,
  type Tensor,
  total,
} from "../tensor/index.ts";
import { familyOf, type LanguageConfig } from "./language/families.ts";
import type { AttentionFunction, LayerPictures } from "./language/family.ts";
import { looksAtPictures } from "./language/hyper-settings.ts";
import type { LayerAttention } from "./language/whole-sequence-attention.ts";
import { product, rowsOf, type StoredWeight, storedWeight } from "./layers.ts";

/** The scope that holds everything but the head. */
function bodyOf(scope: Scope, config: LanguageConfig): Scope {
  return scope.at(familyOf(config).names.body);
}

function tableShape(config: LanguageConfig): Shape {
  return [dim("vocabulary", config.vocabulary), dim("hidden", config.hidden)];
}

/** A table [vocabulary, hidden], in floating point or quantised. */
function table(scope: Scope, name: string, config: LanguageConfig, role: ParameterRole): StoredWeight {
  const initial = { kind: "normal", deviation: config.initializerRange } as const;
  return storedWeight(scope, name, tableShape(config), { initial, role });
}

function embeddingTable(scope: Scope, config: LanguageConfig): StoredWeight {
  return table(bodyOf(scope, config), `${familyOf(config).names.embeddings}.weight`, config, "embedding");
}

/**
 * Embeddings of ids [batch, tokens] → [batch, tokens, hidden].
 *
 * @param scope at the published `language_model`
 */
export function embedTokens(scope: Scope, ids: Tensor, config: LanguageConfig): Tensor {
  const words = embeddingTable(scope, config);
  const embedded = rowsOf(words, ids, config.hidden);
  return familyOf(config).prepareEmbeddings(bodyOf(scope, config), embedded, config);
}

/** What decoder layers work with beside their input. */
export interface LayerInputs {
  readonly attention: LayerAttention;
  /** Where pictures' tokens stand, int64 [visual, 2] = (row of the batch, position); absent: the batch is text alone. */
  readonly visualPositions?: Tensor | undefined;
  /** What a layer that looks at pictures beside the text sees of them; absent: there are none. */
  readonly pictures?: ((layer: number) => LayerPictures) | undefined;
  /**
   * Which positions go on after the last layer's attention, all of them if absent; what is behind it (the last MLP, the
   * head) costs only as much as the selected rows: [batch, tokens, w] → [rows, w].
   */
  readonly selectRows?: ((x: Tensor) => Tensor) | undefined;
}

/** The decoder layers over embeddings [batch, tokens, hidden], without the final normalisation. */
export function decoderLayers(
  scope: Scope,
  embeddings: Tensor,
  config: LanguageConfig,
  inputs: LayerInputs,
): Tensor {
  let x = embeddings;
  for (let i = 0; i < config.layers; i++) {
    const isLast = i === config.layers - 1;
    const layer = decoderLayer(scope.at(layerName(config, i)), x, config, {
      ...inputs,
      index: i,
      selectRows: isLast ? inputs.selectRows : undefined,
    });
    x = scope.boundary(layer);
  }
  return x;
}

/** Where a decoder layer lies below the published `language_model`. */
export function layerName(config: LanguageConfig, index: number): string {
  const { body, layers } = familyOf(config).names;
  return `${body}.${layers}.${index}`;
}

/**
 * One of the decoder layers; see {@link decoderLayers}.
 *
 * @param layer its scope, see {@link layerName}
 */
export function decoderLayer(
  layer: Scope,
  x: Tensor,
  config: LanguageConfig,
  inputs: LayerInputs & { readonly index: number },
): Tensor {
  const { index, attention, visualPositions: positions, selectRows = (all) => all } = inputs;
  const family = familyOf(config);
  const entered = index === 0 ? family.enterLayers(x, config) : x;
  const visual = positions && { positions, indicator: indicatorOf(entered, positions) };
  const attend: AttentionFunction = (q, k, v) => attention(index, q, k, v);
  const pictures = looksAtPictures(config, index) ? inputs.pictures?.(index) : undefined;
  const context = family.attention(layer, entered, { attend, visual, pictures }, config);
  const indicator = visual && selectRows(visual.indicator);
  return family.postAttention(
    layer,
    { x: selectRows(entered), context: selectRows(context), indicator },
    config,
  );
}

/** 1 at the named positions and 0 elsewhere, [batch, tokens, 1]: made of x [batch, tokens, w], because sizes may be symbolic. */
function indicatorOf(x: Tensor, positions: Tensor): Tensor {
  const nothing = mul(detach(slice(x, 2, 0, 1)), scalar(0));
  return scatterNd(nothing, positions, add(gatherNd(nothing, positions), scalar(1)));
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
  return familyOf(config).finishLogits(product(hidden, words), config);
}

/**
 * Next-token loss: Σ weight · −log softmax(logits)[label] over rows [rows, vocabulary]. The caller's weights
 * carry the mask and the normalisation (1 / counted tokens for a mean), so rows that do not count weigh 0 and
 * a batch in which none counts has the loss 0.
 */
export function nextTokenLoss(logits: Tensor, labels: Tensor, weights: Tensor): Tensor {
  return total(mul(crossEntropy(logits, labels), weights));
}
