import { z } from "zod";
import { add, dim, reshape, type Scope, split, type Tensor } from "../../tensor/index.ts";
import { geluTanh } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { initializerRange, type OnProblem, only, parsed, requireMultiple } from "../config-reading.ts";
import { layerNormLayer, linearLayer } from "../layers.ts";
import type { DecoderConfig, LanguageFamily, LayerRows, LayerSurroundings } from "./family.ts";
import { commonJson, specialId, specialIdsOf } from "./special-ids.ts";

/** A BLOOM: layer normalisation, ALiBi positions, normalised embeddings (arXiv 2211.05100). */
export interface BloomConfig extends DecoderConfig {
  readonly family: "bloom";
}

// Defaults are those of the published configuration class, which leaves out of config.json what equals them.
const schema = z.object({
  n_embed: upTo("hidden").nullish(),
  hidden_size: upTo("hidden").default(64),
  n_layer: upTo("layers").nullish(),
  num_hidden_layers: upTo("layers").default(2),
  n_head: upTo("heads").nullish(),
  num_attention_heads: upTo("heads").default(8),
  vocab_size: upTo("size").default(250880),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  apply_residual_connection_post_layernorm: only(false),
  quantization_config: z.null().optional(),
  seq_length: upTo("positions").default(2048),
  tie_word_embeddings: z.boolean().default(true),
  bos_token_id: specialId,
  eos_token_id: specialId,
  pad_token_id: specialId,
  initializer_range: initializerRange,
});

function readConfig(json: Record<string, unknown>, onProblem: OnProblem): BloomConfig | undefined {
  const text = parsed(schema, json, onProblem);
  if (text === undefined) return undefined;
  const hidden = text.n_embed ?? text.hidden_size;
  const heads = text.n_head ?? text.num_attention_heads;
  requireMultiple(onProblem, "hidden_size", hidden, "twice n_head", 2 * heads);
  return {
    family: "bloom",
    hidden,
    layers: text.n_layer ?? text.num_hidden_layers,
    heads,
    keyValueHeads: heads,
    headDim: hidden / heads,
    intermediate: 4 * hidden,
    vocabulary: text.vocab_size,
    epsilon: text.layer_norm_epsilon,
    maxPositions: text.seq_length,
    tiedEmbeddings: text.tie_word_embeddings,
    ...specialIdsOf(text, { bos: 1, eos: 2, pad: 3 }),
    initializerRange: text.initializer_range,
  };
}

function configJson(config: BloomConfig): Record<string, unknown> {
  return {
    architectures: ["BloomForCausalLM"],
    model_type: "bloom",
    hidden_size: config.hidden,
    n_layer: config.layers,
    n_head: config.heads,
    vocab_size: config.vocabulary,
    layer_norm_epsilon: config.epsilon,
    apply_residual_connection_post_layernorm: false,
    seq_length: config.maxPositions,
    ...commonJson(config),
  };
}

/**
 * A layer's first half up to the context of its attention [batch, tokens, hidden]. Queries, keys and values come
 * from one product whose columns lie as [heads, 3, headDim].
 */
function attention(scope: Scope, x: Tensor, { attend }: LayerSurroundings, config: BloomConfig): Tensor {
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const normal = layerNormLayer(scope.at("input_layernorm"), x, config.epsilon);
  const wide = dim("3·hidden", 3 * config.hidden);
  const fused = linearLayer(scope.at("self_attention.query_key_value"), normal, wide, linearOptions);
  const [batch, tokens] = x.shape;
  const parts = [dim("heads", config.heads), dim("qkv", 3), dim("headDim", config.headDim)];
  const all = dim("heads·headDim", config.hidden);
  const [query, key, value] = split(reshape(fused, [batch, tokens, ...parts]), 3, [1, 1, 1]).map((part) =>
    reshape(part, [batch, tokens, all]),
  );
  return attend(query, key, value);
}

/** The rest of a layer: the context's projection, the MLP, and both residual sums. */
function postAttention(scope: Scope, { x, context }: LayerRows, config: BloomConfig): Tensor {
  const linearOptions = { bias: true, deviation: config.initializerRange };
  const hidden = dim("hidden", config.hidden);
  const attended = add(x, linearLayer(scope.at("self_attention.dense"), context, hidden, linearOptions));
  const normal = layerNormLayer(scope.at("post_attention_layernorm"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const up = geluTanh(linearLayer(scope.at("mlp.dense_h_to_4h"), normal, wide, linearOptions));
  return add(attended, linearLayer(scope.at("mlp.dense_4h_to_h"), up, hidden, linearOptions));
}

export const bloom: LanguageFamily<BloomConfig> = {
  title: "BLOOM",
  readConfig,
  configJson,
  sizes: [],
  names: { body: "transformer", embeddings: "word_embeddings", layers: "h" },
  layerAttention: ({ headDim }) => ({ positions: { kind: "alibi" }, scale: 1 / Math.sqrt(headDim) }),
  prepareEmbeddings: (body, embeddings, config) =>
    layerNormLayer(body.at("word_embeddings_layernorm"), embeddings, config.epsilon),
  enterLayers: (x) => x,
  attention,
  postAttention,
  finalNorm: (body, x, config) => layerNormLayer(body.at("ln_f"), x, config.epsilon),
  finishLogits: (logits) => logits,
  loraTargets: ["query_key_value"],
};
