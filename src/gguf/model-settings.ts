import { type Architecture, architectures, type GemmaRules } from "./architectures.ts";
import type { GgufHeader } from "./header.ts";
import { type Metadata, type OnMetadataProblem, shown } from "./metadata.ts";
import { type ModelKeys, modelKeys } from "./model-keys.ts";
import { type RopeFactors, readRope, ropeKeys } from "./rope-settings.ts";

/** The language model that a GGUF file holds. */
export interface GgufModel {
  readonly architecture: Architecture;
  /** Its settings as config.json has them. */
  readonly config: Record<string, unknown>;
}

/** Keys that every architecture may have. */
const commonKeys = [
  "context_length",
  "embedding_length",
  "block_count",
  "feed_forward_length",
  "attention.head_count",
  "attention.head_count_kv",
  "attention.key_length",
  "attention.value_length",
  "attention.layer_norm_rms_epsilon",
  "vocab_size",
  ...ropeKeys,
];

/** Keys that one architecture has beside these. */
const ownKeys: Readonly<Record<string, readonly string[]>> = {
  gemma2: ["attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"],
  // The last two are Ollama's own names.
  gemma3: [
    "attention.sliding_window",
    "final_logit_softcapping",
    "rope.freq_base_swa",
    "rope.global.freq_base",
    "rope.local.freq_base",
  ],
  phi3: ["attention.sliding_window"],
  granite: ["attention.scale", "embedding_scale", "residual_scale", "logit_scale"],
};

/** Keys whose one value changes nothing, and those of a vision half. */
const withoutEffect: Readonly<Record<string, unknown>> = {
  "attention.causal": true,
  expert_count: 0,
  expert_used_count: 0,
  tensor_data_layout: "Meta AI original pth",
};
const ofVision = /^(vision|mm)\./;

/**
 * The settings of the language model in a GGUF file.
 *
 * @param factors the numbers of the tensors that frequencies are divided by
 * @param onProblem is told every key that is wrong, missing, or asks for what is not computed
 */
export function readModelSettings(
  { metadata, tensors }: GgufHeader,
  factors: RopeFactors,
  onProblem: OnMetadataProblem,
): GgufModel | undefined {
  const key = "general.architecture";
  const name = metadata.text(key, onProblem);
  const type = metadata.text("general.type", onProblem) ?? "model";
  if (type !== "model") onProblem("general.type", `must be model, got ${type}`);
  const architecture =
    name !== undefined && Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (name === undefined || architecture === undefined) {
    const known = Object.keys(architectures).join(", ");
    onProblem(key, `must be one of ${known}, got ${name === undefined ? "none" : shown(name)}`);
    return undefined;
  }
  const keys = modelKeys(name, metadata, onProblem);
  reportUnknown(name, metadata, onProblem);
  const names = new Set(tensors.map((tensor) => tensor.name));
  const table = tensors.find((tensor) => tensor.name === "token_embd.weight");
  if (table === undefined) onProblem("token_embd.weight", "must be among the tensors, got none");
  const heads = required(keys, "attention.head_count", keys.ofLayers("attention.head_count"));
  const hidden = required(keys, "embedding_length", keys.number("embedding_length"));
  const headDim = keys.number("attention.key_length") ?? Math.floor(hidden / heads);
  const valueDim = keys.number("attention.value_length") ?? headDim;
  if (valueDim !== headDim) {
    onProblem(keys.full("attention.value_length"), `must be that of keys, ${headDim}, got ${valueDim}`);
  }
  const sizes: Sizes = {
    hidden,
    heads,
    headDim,
    layers: required(keys, "block_count", keys.number("block_count")),
    positions: required(keys, "context_length", keys.number("context_length")),
  };
  return {
    architecture,
    config: {
      model_type: architecture.modelTypes[0],
      hidden_size: hidden,
      num_hidden_layers: sizes.layers,
      num_attention_heads: heads,
      num_key_value_heads: keys.ofLayers("attention.head_count_kv") ?? heads,
      head_dim: headDim,
      intermediate_size: required(keys, "feed_forward_length", keys.ofLayers("feed_forward_length")),
      vocab_size: table?.dims[0],
      rms_norm_eps: required(
        keys,
        "attention.layer_norm_rms_epsilon",
        keys.number("attention.layer_norm_rms_epsilon"),
      ),
      max_position_embeddings: sizes.positions,
      tie_word_embeddings: !names.has("output.weight"),
      ...(names.has("blk.0.attn_output.bias") && { attention_bias: true }),
      ...(names.has("blk.0.ffn_up.bias") && { mlp_bias: true }),
      ...readRope(keys, { ...sizes, rules: architecture }, factors),
      ...(architecture.gemma && gemmaSettings(sizes, architecture.gemma)),
      ...own[name]?.(keys, sizes),
      ...specialIds(metadata, onProblem),
    },
  };
}

interface Sizes {
  readonly hidden: number;
  readonly heads: number;
  readonly headDim: number;
  readonly layers: number;
  readonly positions: number;
}

function required(keys: ModelKeys, key: string, value: number | undefined): number {
  if (value !== undefined && value > 0) return value;
  keys.onProblem(keys.full(key), `must be a positive number, got ${value ?? "none"}`);
  return 1;
}

/** A Gemma's largest model has scores of another scale than the others; no key says so. */
export function gemmaQueryScalar(
  { layers, hidden, heads, headDim }: Omit<Sizes, "positions">,
  { layersOfLargest }: GemmaRules,
): number {
  return layers === layersOfLargest ? Math.floor(hidden / heads) : headDim;
}

function gemmaSettings(sizes: Sizes, rules: GemmaRules): Record<string, unknown> {
  return { hidden_activation: "gelu_pytorch_tanh", query_pre_attn_scalar: gemmaQueryScalar(sizes, rules) };
}

const own: Readonly<Record<string, (keys: ModelKeys, sizes: Sizes) => Record<string, unknown>>> = {
  gemma2: (keys) => ({
    sliding_window: keys.number("attention.sliding_window") ?? 4096,
    attn_logit_softcapping: keys.number("attn_logit_softcapping") ?? 50,
    final_logit_softcapping: keys.number("final_logit_softcapping") ?? 30,
  }),
  gemma3: (keys, sizes) => {
    const window = keys.number("attention.sliding_window");
    return {
      ...(window ? { sliding_window: window } : { layer_types: Array(sizes.layers).fill("full_attention") }),
      sliding_window_pattern: architectures.gemma3.gemma?.period,
      rope_local_base_freq: keys.number("rope.freq_base_swa") ?? keys.number("rope.local.freq_base") ?? 10000,
      final_logit_softcapping: keys.number("final_logit_softcapping") ?? null,
    };
  },
  phi3: (keys) => ({ sliding_window: keys.number("attention.sliding_window") || null }),
  smollm3: () => ({ no_rope_layer_interval: 4 }),
  granite: (keys, { headDim }) => ({
    attention_multiplier: keys.number("attention.scale") || headDim ** -0.5,
    embedding_multiplier: keys.number("embedding_scale") || 1,
    residual_multiplier: keys.number("residual_scale") || 1,
    logits_scaling: required(keys, "logit_scale", keys.number("logit_scale")),
  }),
};

/** `tokenizer.ggml.model` of a tokenizer of SentencePiece's kind. */
export const sentencePieceModel = "llama";

/** Special ids of a tokenizer of SentencePiece's kind where a file names none. */
export const sentencePieceIds: Readonly<Record<string, number>> = { bos: 1, eos: 2, unknown: 0 };

/** −1 stands for "none": without a key config.json would mean the family's own. */
function specialIds(metadata: Metadata, onProblem: OnMetadataProblem): Record<string, unknown> {
  const known = metadata.get("tokenizer.ggml.model") === sentencePieceModel ? sentencePieceIds : {};
  const id = (name: string): number | undefined =>
    metadata.number(`tokenizer.ggml.${name}_token_id`, onProblem) ?? known[name];
  const ends = [id("eos"), id("eot"), id("eom")].filter((one) => one !== undefined);
  return {
    bos_token_id: id("bos") ?? -1,
    eos_token_id: ends.length > 1 ? [...new Set(ends)] : (ends[0] ?? -1),
    pad_token_id: id("padding") ?? -1,
  };
}

/** Keys of the architecture that no rule reads may change the numbers, so they are refused. */
function reportUnknown(name: string, metadata: Metadata, onProblem: OnMetadataProblem): void {
  const known = [...commonKeys, ...(ownKeys[name] ?? [])];
  for (const key of metadata.keys()) {
    if (!key.startsWith(`${name}.`)) continue;
    const short = key.slice(name.length + 1);
    if (known.includes(short) || ofVision.test(short)) continue;
    const value = metadata.get(key);
    if (Object.hasOwn(withoutEffect, short) && withoutEffect[short] === value) continue;
    onProblem(key, `is not computed here, got ${shown(value ?? "")}`);
  }
}
