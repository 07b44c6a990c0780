import {
  add,
  attention,
  constant,
  crossEntropy,
  dim,
  expand,
  gather,
  type Initial,
  int64,
  linear,
  mul,
  reshape,
  rotary,
  type Scope,
  silu,
  type Tensor,
  total,
} from "../tensor/index.ts";
import type { LanguageConfig } from "./config.ts";
import { joinHeads, splitHeads } from "./heads.ts";
import { linearLayer, rmsNormLayer } from "./layers.ts";
import { rotaryTables } from "./rotary-tables.ts";

/**
 * How layer number `layer` mixes positions: takes query [batch, tokens, heads · headDim], key and value
 * [batch, tokens, keyValueHeads · headDim], all before the rotary embedding, and returns the context in the
 * query's shape.
 */
export type Attend = (layer: number, query: Tensor, key: Tensor, value: Tensor) => Tensor;

const initialOf = (config: LanguageConfig): Initial => ({
  kind: "normal",
  deviation: config.initializerRange,
});

function embeddingTable(scope: Scope, config: LanguageConfig): Tensor {
  const shape = [dim("vocabulary", config.vocabulary), dim("hidden", config.hidden)];
  return scope.at("model").parameter("embed_tokens.weight", shape, initialOf(config));
}

/**
 * Embeddings of ids [batch, tokens] → [batch, tokens, hidden].
 *
 * @param scope at the published `language_model`
 */
export function embedTokens(scope: Scope, ids: Tensor, config: LanguageConfig): Tensor {
  return gather(embeddingTable(scope, config), ids);
}

/**
 * The decoder layers of a LLaMA over embeddings [batch, tokens, hidden], without the final normalisation.
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
    const layer = scope.at(`model.layers.${i}`);
    const mixed = layerAttention(layer, x, (q, k, v) => attend(i, q, k, v), config);
    const last = i === config.layers - 1;
    x = layerRest(layer, last ? pick(x) : x, last ? pick(mixed) : mixed, config);
  }
  return x;
}

function layerAttention(
  scope: Scope,
  x: Tensor,
  attend: (query: Tensor, key: Tensor, value: Tensor) => Tensor,
  config: LanguageConfig,
): Tensor {
  const linearOptions = { bias: false, deviation: config.initializerRange };
  const normal = rmsNormLayer(scope.at("input_layernorm"), x, config.epsilon);
  const all = dim("heads·headDim", config.heads * config.headDim);
  const shared = dim("keyValueHeads·headDim", config.keyValueHeads * config.headDim);
  const attentionScope = scope.at("self_attn");
  return attend(
    linearLayer(attentionScope.at("q_proj"), normal, all, linearOptions),
    linearLayer(attentionScope.at("k_proj"), normal, shared, linearOptions),
    linearLayer(attentionScope.at("v_proj"), normal, shared, linearOptions),
  );
}

function layerRest(scope: Scope, x: Tensor, mixed: Tensor, config: LanguageConfig): Tensor {
  const linearOptions = { bias: false, deviation: config.initializerRange };
  const hidden = dim("hidden", config.hidden);
  const attended = add(x, linearLayer(scope.at("self_attn.o_proj"), mixed, hidden, linearOptions));
  const normal = rmsNormLayer(scope.at("post_attention_layernorm"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const gate = silu(linearLayer(scope.at("mlp.gate_proj"), normal, wide, linearOptions));
  const gated = mul(gate, linearLayer(scope.at("mlp.up_proj"), normal, wide, linearOptions));
  return add(attended, linearLayer(scope.at("mlp.down_proj"), gated, hidden, linearOptions));
}

/** The normalisation after the last layer. */
export function finalNorm(scope: Scope, x: Tensor, config: LanguageConfig): Tensor {
  return rmsNormLayer(scope.at("model.norm"), x, config.epsilon);
}

/** Logits of normalised hidden rows [..., hidden] → [..., vocabulary]. */
export function languageHead(scope: Scope, hidden: Tensor, config: LanguageConfig): Tensor {
  const shape = [dim("vocabulary", config.vocabulary), dim("hidden", config.hidden)];
  const table = config.tiedEmbeddings
    ? embeddingTable(scope, config)
    : scope.parameter("lm_head.weight", shape, initialOf(config));
  return linear(hidden, table);
}

/**
 * Attention over whole sequences of known sizes that start at position 0, for training. Padding on the right
 * needs no mask: causality keeps what comes before from seeing it.
 */
export function wholeSequenceAttention(config: LanguageConfig, batch: number, tokens: number): Attend {
  const { cos, sin } = rotaryTables(config, tokens);
  const positions = constant(
    int64(
      Array.from({ length: batch * tokens }, (_, i) => i % tokens),
      [batch, tokens],
    ),
    ["batch", "tokens"],
  );
  const scale = 1 / Math.sqrt(config.headDim);
  return (_, query, key, value) => {
    const q = rotary(splitHeads(query, config.heads), positions, cos, sin);
    const k = rotary(splitHeads(key, config.keyValueHeads), positions, cos, sin);
    const v = splitHeads(value, config.keyValueHeads);
    const context = attention(q, shareHeads(k, config), shareHeads(v, config), { scale, causal: true });
    return joinHeads(context, query.shape[2]);
  };
}

/** Grouped-query attention: each key (value) head serves heads / keyValueHeads neighbouring query heads. */
function shareHeads(x: Tensor, config: LanguageConfig): Tensor {
  if (config.keyValueHeads === config.heads) return x;
  const [batch, shared, tokens, headDim] = x.shape;
  const group = dim("group", config.heads / config.keyValueHeads);
  const repeated = expand(reshape(x, [batch, shared, dim("one", 1), tokens, headDim]), [
    batch,
    shared,
    group,
    tokens,
    headDim,
  ]);
  return reshape(repeated, [batch, dim("heads", config.heads), tokens, headDim]);
}

/**
 * Next-token loss: Σ weight · −log softmax(logits)[label] over rows [rows, vocabulary]. The caller's weights
 * carry the mask and the normalisation (1 / counted tokens for a mean), so rows that do not count weigh 0 and
 * a batch in which none counts has the loss 0.
 */
export function nextTokenLoss(logits: Tensor, labels: Tensor, weights: Tensor): Tensor {
  return total(mul(crossEntropy(logits, labels), weights));
}
