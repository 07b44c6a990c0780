import { z } from "zod";
import { add, dim, mul, type Scope, silu, type Tensor } from "../../tensor/index.ts";
import { upTo } from "../config-limits.ts";
import { initializerRange, type OnProblem, only, parsed, requireMultiple } from "../config-reading.ts";
import { linearLayer, rmsNormLayer } from "../layers.ts";
import type { AttentionFunction, DecoderConfig, LanguageFamily } from "./family.ts";
import type { RotarySettings } from "./rotary.ts";
import { readRotary, rotaryJson } from "./rotary-config.ts";
import { commonJson, specialId, specialIdsOf } from "./special-ids.ts";

/** A LLaMA: RMS normalisation, rotary positions, gated MLP (arXiv 2302.13971). */
export interface LlamaConfig extends DecoderConfig, RotarySettings {
  readonly family: "llama";
  readonly headDim: number;
}

// Defaults are those of the published configuration class, which leaves out of config.json what equals them.
const schema = z.object({
  hidden_size: upTo("hidden").default(4096),
  num_hidden_layers: upTo("layers").default(32),
  num_attention_heads: upTo("heads").default(32),
  num_key_value_heads: upTo("heads").nullish(),
  head_dim: upTo("headDim").nullish(),
  intermediate_size: upTo("size").default(11008),
  vocab_size: upTo("size").default(32000),
  hidden_act: only("silu"),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().nullish(),
  partial_rotary_factor: only(1),
  rope_interleaved: only(false),
  attention_bias: only(false),
  mlp_bias: only(false),
  sliding_window: z.null().optional(),
  quantization_config: z.null().optional(),
  max_position_embeddings: upTo("positions").default(2048),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: specialId,
  eos_token_id: specialId,
  pad_token_id: specialId,
  initializer_range: initializerRange,
});

function readConfig(json: Record<string, unknown>, onProblem: OnProblem): LlamaConfig | undefined {
  const rotary = readRotary(json, onProblem);
  const text = parsed(schema, json, onProblem);
  if (text === undefined) return undefined;
  const heads = text.num_attention_heads;
  const keyValueHeads = text.num_key_value_heads ?? heads;
  if (text.head_dim == null) {
    requireMultiple(onProblem, "hidden_size", text.hidden_size, "num_attention_heads", heads);
  }
  requireMultiple(onProblem, "num_attention_heads", heads, "num_key_value_heads", keyValueHeads);
  const headDim = text.head_dim ?? Math.floor(text.hidden_size / heads);
  requireMultiple(onProblem, "head_dim", headDim, "two, for the rotary embedding", 2);
  const unfit = upTo("headDim").safeParse(headDim).error;
  if (unfit) onProblem("head_dim", `${unfit.issues[0].message}, got ${headDim}`);
  return {
    family: "llama",
    hidden: text.hidden_size,
    layers: text.num_hidden_layers,
    heads,
    keyValueHeads,
    headDim,
    intermediate: text.intermediate_size,
    vocabulary: text.vocab_size,
    epsilon: text.rms_norm_eps,
    ...rotary,
    maxPositions: text.max_position_embeddings,
    tiedEmbeddings: text.tie_word_embeddings,
    ...specialIdsOf(text, 0),
    initializerRange: text.initializer_range,
  };
}

function configJson(config: LlamaConfig): Record<string, unknown> {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headDim,
    intermediate_size: config.intermediate,
    vocab_size: config.vocabulary,
    hidden_act: "silu",
    rms_norm_eps: config.epsilon,
    ...rotaryJson(config),
    max_position_embeddings: config.maxPositions,
    ...commonJson(config),
  };
}

/** A layer's first half up to the context of its attention, in the query's shape [batch, tokens, heads · headDim]. */
function attention(scope: Scope, x: Tensor, attend: AttentionFunction, config: LlamaConfig): Tensor {
  const linearOptions = { bias: false, deviation: config.initializerRange };
  const normal = rmsNormLayer(scope.at("input_layernorm"), x, config.epsilon);
  const all = dim("heads·headDim", config.heads * config.headDim);
  const shared = dim("keyValueHeads·headDim", config.keyValueHeads * config.headDim);
  const projections = scope.at("self_attn");
  return attend(
    linearLayer(projections.at("q_proj"), normal, all, linearOptions),
    linearLayer(projections.at("k_proj"), normal, shared, linearOptions),
    linearLayer(projections.at("v_proj"), normal, shared, linearOptions),
  );
}

/** The rest of a layer: the context's projection, the gated MLP, and both residual sums. */
function postAttention(scope: Scope, x: Tensor, context: Tensor, config: LlamaConfig): Tensor {
  const linearOptions = { bias: false, deviation: config.initializerRange };
  const hidden = dim("hidden", config.hidden);
  const attended = add(x, linearLayer(scope.at("self_attn.o_proj"), context, hidden, linearOptions));
  const normal = rmsNormLayer(scope.at("post_attention_layernorm"), attended, config.epsilon);
  const wide = dim("intermediate", config.intermediate);
  const gate = silu(linearLayer(scope.at("mlp.gate_proj"), normal, wide, linearOptions));
  const gated = mul(gate, linearLayer(scope.at("mlp.up_proj"), normal, wide, linearOptions));
  return add(attended, linearLayer(scope.at("mlp.down_proj"), gated, hidden, linearOptions));
}

export const llama: LanguageFamily<LlamaConfig> = {
  title: "LLaMA",
  readConfig,
  configJson,
  sizes: [
    { key: "vocab_size", tensor: "model.embed_tokens.weight", axis: 0 },
    { key: "hidden_size", tensor: "model.embed_tokens.weight", axis: 1 },
    { key: "intermediate_size", tensor: "model.layers.0.mlp.gate_proj.weight", axis: 0 },
    { key: "num_hidden_layers", layer: (i) => `model.layers.${i}.mlp.gate_proj.weight` },
  ],
  names: { body: "model", embeddings: "embed_tokens", layers: "layers" },
  positionEncoding: (settings) => ({ kind: "rotary", settings }),
  prepareEmbeddings: (_, embeddings) => embeddings,
  attention,
  postAttention,
  finalNorm: (body, x, config) => rmsNormLayer(body.at("norm"), x, config.epsilon),
  loraTargets: ["q_proj", "v_proj"],
};
