import { z } from "zod";
import { upTo } from "./config-limits.ts";

/** What every decoder-only language model here has. */
interface DecoderConfig {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; fewer than `heads` means grouped-query attention. */
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Width inside the MLP. */
  readonly intermediate: number;
  readonly vocabulary: number;
  /** Of every normalisation. */
  readonly epsilon: number;
  /** Longest sequence. */
  readonly maxPositions: number;
  /** Whether the head uses the embedding table. */
  readonly tiedEmbeddings: boolean;
  readonly bosId: number;
  readonly eosId: number;
  /** More tokens that end an answer, where config.json names several; absent: none. */
  readonly otherEosIds?: readonly number[];
  readonly padId: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
}

/** How rotary angles are stretched for sequences longer than those a model first learned with. */
export type RopeScaling =
  /** Every angle divided by `factor` (position interpolation, arXiv 2306.15595). */
  | { readonly kind: "linear"; readonly factor: number }
  /**
   * LLaMA 3.1's: waves longer than `originalPositions` / `lowFrequencyFactor` are divided by `factor`, those
   * shorter than `originalPositions` / `highFrequencyFactor` stay, and between them one passes into the other.
   */
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

/** A LLaMA: RMS normalisation, rotary positions, gated MLP (arXiv 2302.13971). */
export interface LlamaConfig extends DecoderConfig {
  readonly family?: "llama";
  /** Base of the rotary angles. */
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
}

/** A BLOOM: layer normalisation, ALiBi positions, normalised embeddings (arXiv 2211.05100). */
export interface BloomConfig extends DecoderConfig {
  readonly family: "bloom";
}

/** Sizes and special ids of the language model. */
export type LanguageConfig = LlamaConfig | BloomConfig;

/** Notes a problem with a key. */
export type Note = (key: string, problem: string) => void;

const count = upTo("size");
const specialId = z.union([z.number().int(), z.array(z.number().int()).min(1)]).nullish();
const deviation = z.number().nonnegative().default(0.02);
/** Accepts the value that changes nothing, where a published setting could ask for something else. */
const only = <T extends boolean | number | string>(value: T) => z.literal(value).nullish();

// Defaults are those of the published configuration classes, which leave out of config.json what equals them.
const llamaSchema = z.object({
  hidden_size: upTo("hidden").default(4096),
  num_hidden_layers: upTo("layers").default(32),
  num_attention_heads: upTo("heads").default(32),
  num_key_value_heads: upTo("heads").nullish(),
  head_dim: upTo("headDim").nullish(),
  intermediate_size: count.default(11008),
  vocab_size: count.default(32000),
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
  initializer_range: deviation,
});

const bloomSchema = z.object({
  n_embed: upTo("hidden").nullish(),
  hidden_size: upTo("hidden").default(64),
  n_layer: upTo("layers").nullish(),
  num_hidden_layers: upTo("layers").default(2),
  n_head: upTo("heads").nullish(),
  num_attention_heads: upTo("heads").default(8),
  vocab_size: count.default(250880),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  apply_residual_connection_post_layernorm: only(false),
  quantization_config: z.null().optional(),
  seq_length: upTo("positions").default(2048),
  tie_word_embeddings: z.boolean().default(true),
  bos_token_id: specialId,
  eos_token_id: specialId,
  pad_token_id: specialId,
  initializer_range: deviation,
});

/**
 * Reads a language model's configuration, as published in its own config.json or as an owl's `text_config`.
 *
 * @param note is told every key that is wrong or asks for what is not supported
 * @returns undefined where there was a problem
 */
export function readLanguageConfig(json: Record<string, unknown>, note: Note): LanguageConfig | undefined {
  let sound = true;
  const tell: Note = (key, problem) => {
    sound = false;
    note(key, problem);
  };
  const family = json.model_type ?? "llama";
  if (family !== "llama" && family !== "bloom") {
    tell("model_type", `must be "llama" or "bloom", got ${JSON.stringify(family)}`);
  }
  const config = family === "bloom" ? readBloom(json, tell) : readLlama(json, tell);
  return sound ? config : undefined;
}

function parsed<T>(schema: z.ZodType<T>, json: Record<string, unknown>, note: Note): T | undefined {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const key = String(issue.path[0]);
    note(issue.path.join("."), `${issue.message}, got ${JSON.stringify(json[key])}`);
  }
  return undefined;
}

/** A special token's id; of several the first. */
function firstId(id: z.infer<typeof specialId>, otherwise: number): number {
  return (Array.isArray(id) ? id[0] : id) ?? otherwise;
}

/** The tokens that end a sequence. */
function endsOf(ids: z.infer<typeof specialId>): Pick<DecoderConfig, "eosId" | "otherEosIds"> {
  const others = Array.isArray(ids) ? ids.slice(1) : [];
  return { eosId: firstId(ids, 2), ...(others.length > 0 && { otherEosIds: others }) };
}

function requireMultiple(note: Note, key: string, whole: number, part: string, by: number): void {
  if (whole % by !== 0) note(key, `must be a multiple of ${part} (${by}), got ${whole}`);
}

function readLlama(json: Record<string, unknown>, note: Note): LlamaConfig | undefined {
  const rope = readRope(json, note);
  const text = parsed(llamaSchema, json, note);
  if (text === undefined) return undefined;
  const heads = text.num_attention_heads;
  const keyValueHeads = text.num_key_value_heads ?? heads;
  if (text.head_dim == null) {
    requireMultiple(note, "hidden_size", text.hidden_size, "num_attention_heads", heads);
  }
  requireMultiple(note, "num_attention_heads", heads, "num_key_value_heads", keyValueHeads);
  const headDim = text.head_dim ?? Math.floor(text.hidden_size / heads);
  requireMultiple(note, "head_dim", headDim, "two, for the rotary embedding", 2);
  const unfit = upTo("headDim").safeParse(headDim).error;
  if (unfit) note("head_dim", `${unfit.issues[0].message}, got ${headDim}`);
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
    ...rope,
    maxPositions: text.max_position_embeddings,
    tiedEmbeddings: text.tie_word_embeddings,
    bosId: firstId(text.bos_token_id, 1),
    ...endsOf(text.eos_token_id),
    padId: firstId(text.pad_token_id, 0),
    initializerRange: text.initializer_range,
  };
}

function readBloom(json: Record<string, unknown>, note: Note): BloomConfig | undefined {
  const text = parsed(bloomSchema, json, note);
  if (text === undefined) return undefined;
  const hidden = text.n_embed ?? text.hidden_size;
  const heads = text.n_head ?? text.num_attention_heads;
  requireMultiple(note, "hidden_size", hidden, "twice n_head", 2 * heads);
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
    bosId: firstId(text.bos_token_id, 1),
    ...endsOf(text.eos_token_id),
    padId: firstId(text.pad_token_id, 3),
    initializerRange: text.initializer_range,
  };
}

type Rope = Pick<LlamaConfig, "ropeTheta" | "ropeScaling">;

const number = z.number().positive();
const scalings = {
  linear: z.object({ factor: number }),
  llama3: z.object({
    factor: number,
    low_freq_factor: number,
    high_freq_factor: number,
    original_max_position_embeddings: count,
  }),
} as const;

/**
 * The rotary settings in each of their published spellings: `rope_theta` beside `rope_scaling` (its kind under
 * `type` or `rope_type`), or both in `rope_parameters`.
 */
function readRope(json: Record<string, unknown>, note: Note): Rope {
  const [key, settings] =
    json.rope_parameters == null
      ? (["rope_scaling", json.rope_scaling ?? {}] as const)
      : (["rope_parameters", json.rope_parameters] as const);
  if (json.rope_parameters != null && json.rope_scaling != null) {
    note("rope_scaling", "must be absent where rope_parameters says the same, got both");
  }
  const result = z.record(z.string(), z.unknown()).safeParse(settings);
  if (!result.success) {
    note(key, `must be an object or null, got ${JSON.stringify(settings)}`);
    return { ropeTheta: 10000 };
  }
  const { rope_theta: theta = json.rope_theta ?? 10000, partial_rotary_factor: part = 1 } = result.data;
  if (typeof theta !== "number" || theta <= 0)
    note(`${key}.rope_theta`, `must be positive, got ${JSON.stringify(theta)}`);
  if (part !== 1) note(`${key}.partial_rotary_factor`, `must be 1, got ${JSON.stringify(part)}`);
  const ropeScaling = readScaling(result.data, (inner, problem) => note(`${key}.${inner}`, problem));
  return { ropeTheta: Number(theta), ...(ropeScaling && { ropeScaling }) };
}

function readScaling(settings: Record<string, unknown>, note: Note): RopeScaling | undefined {
  const spelling = settings.rope_type === undefined ? "type" : "rope_type";
  const kind = settings[spelling] ?? (Object.keys(settings).includes("factor") ? undefined : "default");
  if (kind === "default") return undefined;
  if (kind === "linear") {
    const values = parsed(scalings.linear, settings, note);
    return values && { kind, factor: values.factor };
  }
  if (kind !== "llama3") {
    note(spelling, `must be "default", "linear" or "llama3", got ${JSON.stringify(kind)}`);
    return undefined;
  }
  const values = parsed(scalings.llama3, settings, note);
  if (values && values.high_freq_factor <= values.low_freq_factor) {
    note("high_freq_factor", `must exceed low_freq_factor, got ${values.high_freq_factor}`);
  }
  return (
    values && {
      kind,
      factor: values.factor,
      lowFrequencyFactor: values.low_freq_factor,
      highFrequencyFactor: values.high_freq_factor,
      originalPositions: values.original_max_position_embeddings,
    }
  );
}

/** The published form of a language model's configuration; reading it gives the same. */
export function languageConfigJson(language: LanguageConfig): Record<string, unknown> {
  return language.family === "bloom" ? bloomJson(language) : llamaJson(language);
}

const idsJson = (language: LanguageConfig): Record<string, unknown> => ({
  tie_word_embeddings: language.tiedEmbeddings,
  bos_token_id: language.bosId,
  eos_token_id: language.otherEosIds ? [language.eosId, ...language.otherEosIds] : language.eosId,
  pad_token_id: language.padId,
  initializer_range: language.initializerRange,
});

function llamaJson(language: LlamaConfig): Record<string, unknown> {
  const { ropeScaling } = language;
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: language.hidden,
    num_hidden_layers: language.layers,
    num_attention_heads: language.heads,
    num_key_value_heads: language.keyValueHeads,
    head_dim: language.headDim,
    intermediate_size: language.intermediate,
    vocab_size: language.vocabulary,
    hidden_act: "silu",
    rms_norm_eps: language.epsilon,
    rope_theta: language.ropeTheta,
    ...(ropeScaling && { rope_scaling: scalingJson(ropeScaling) }),
    max_position_embeddings: language.maxPositions,
    ...idsJson(language),
  };
}

function scalingJson(scaling: RopeScaling): Record<string, unknown> {
  // Releases before the other spelling know linear scaling only by this one.
  if (scaling.kind === "linear") return { type: "linear", factor: scaling.factor };
  return {
    rope_type: "llama3",
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalPositions,
  };
}

function bloomJson(language: BloomConfig): Record<string, unknown> {
  return {
    architectures: ["BloomForCausalLM"],
    model_type: "bloom",
    hidden_size: language.hidden,
    n_layer: language.layers,
    n_head: language.heads,
    vocab_size: language.vocabulary,
    layer_norm_epsilon: language.epsilon,
    apply_residual_connection_post_layernorm: false,
    seq_length: language.maxPositions,
    ...idsJson(language),
  };
}
