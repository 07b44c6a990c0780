import { z } from "zod";

/** Sizes of the vision encoder (a CLIP ViT). */
export interface VisionConfig {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside the MLP. */
  readonly intermediate: number;
  /** Height and width of a picture in pixels. */
  readonly imageSize: number;
  /** Height and width of a patch in pixels. */
  readonly patchSize: number;
  /** Of every layer normalisation. */
  readonly epsilon: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
}

/** Sizes of the visual abstractor; its hidden size is the vision encoder's. */
export interface AbstractorConfig {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside the MLP. */
  readonly intermediate: number;
  /** Of the normalisation inside the MLP; the others have 1e-5. */
  readonly epsilon: number;
  readonly initializerRange: number;
}

/** Sizes and special ids of the language model (a LLaMA). */
export interface LanguageConfig {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; fewer than `heads` means grouped-query attention. */
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Width inside the MLP. */
  readonly intermediate: number;
  readonly vocabulary: number;
  /** Of every RMS normalisation. */
  readonly epsilon: number;
  /** Base of the rotary angles. */
  readonly ropeTheta: number;
  /** Longest sequence the rotary tables reach. */
  readonly maxPositions: number;
  /** Whether the head uses the embedding table. */
  readonly tiedEmbeddings: boolean;
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  readonly initializerRange: number;
}

/** Everything of a published `config.json` that the computation depends on. */
export interface OwlConfig {
  readonly vision: VisionConfig;
  readonly abstractor: AbstractorConfig;
  readonly language: LanguageConfig;
  /** Learned queries a picture; it takes one position more, for the learned end row. */
  readonly numQueryTokens: number;
}

/** A config.json that does not describe a model this package computes; the message lists every problem. */
export class ModelConfigError extends Error {
  override name = "ModelConfigError";
  readonly problems: readonly string[];

  constructor(where: string, problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    super(
      `${where}: must describe an mPLUG-Owl with a LLaMA, got ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${list}\n` +
        "Compare it with the config.json of the published checkpoint.",
    );
    this.problems = problems;
  }
}

const count = z.number().int().positive();
const epsilon = z.number().positive();
const deviation = z.number().nonnegative().default(0.02);

// Defaults are those of the published configuration classes, which leave out of config.json what equals them.
const visionSchema = z.object({
  hidden_size: count.default(1024),
  num_hidden_layers: count.default(24),
  num_attention_heads: count.default(16),
  intermediate_size: count.default(4096),
  image_size: count.default(224),
  patch_size: count.default(14),
  num_channels: z.literal(3).default(3),
  hidden_act: z.literal("quick_gelu").default("quick_gelu"),
  layer_norm_eps: epsilon.default(1e-6),
  initializer_range: deviation,
});

const abstractorSchema = z.object({
  hidden_size: count.default(1024),
  encoder_hidden_size: count.optional(),
  num_hidden_layers: count.default(6),
  num_attention_heads: count.default(16),
  intermediate_size: count.default(4096),
  layer_norm_eps: epsilon.default(1e-6),
  initializer_range: deviation,
});

const languageSchema = z.object({
  model_type: z.literal("llama").default("llama"),
  hidden_size: count.default(4096),
  num_hidden_layers: count.default(32),
  num_attention_heads: count.default(32),
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  intermediate_size: count.default(11008),
  vocab_size: count.default(32000),
  hidden_act: z.literal("silu").default("silu"),
  rms_norm_eps: epsilon.default(1e-6),
  rope_theta: z.number().positive().default(10000),
  rope_scaling: z.null().optional(),
  attention_bias: z.literal(false).optional(),
  mlp_bias: z.literal(false).optional(),
  max_position_embeddings: count.default(2048),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: z.number().int().default(1),
  eos_token_id: z.number().int().default(2),
  pad_token_id: z.number().int().nullish(),
  initializer_range: deviation,
});

const schema = z.object({
  num_query_tokens: count.default(64),
  vision_config: visionSchema,
  visual_abstractor_config: abstractorSchema,
  text_config: languageSchema,
});

type Published = z.infer<typeof schema>;

/**
 * Reads the content of a published `config.json`.
 *
 * @param where what the content came from, for the message
 * @throws ModelConfigError naming every key that is missing, wrong or asks for what is not supported
 */
export function parseConfig(json: unknown, where = "config.json"): OwlConfig {
  const result = schema.safeParse(json);
  if (!result.success) {
    const problems = result.error.issues.map(
      (issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`,
    );
    throw new ModelConfigError(where, problems);
  }
  const problems = contradictions(result.data);
  if (problems.length > 0) throw new ModelConfigError(where, problems);
  return fromPublished(result.data);
}

function contradictions(published: Published): string[] {
  const { vision_config: vision, visual_abstractor_config: abstractor, text_config: text } = published;
  const problems: string[] = [];
  const divides = (path: string, whole: number, part: string, by: number): void => {
    if (whole % by !== 0) problems.push(`${path}: must be a multiple of ${part} (${by}), got ${whole}`);
  };
  const equalsVision = (path: string, size: number): void => {
    if (size !== vision.hidden_size) {
      problems.push(`${path}: must equal vision_config.hidden_size (${vision.hidden_size}), got ${size}`);
    }
  };
  divides("vision_config.hidden_size", vision.hidden_size, "num_attention_heads", vision.num_attention_heads);
  divides("vision_config.image_size", vision.image_size, "patch_size", vision.patch_size);
  const heads = abstractor.num_attention_heads;
  divides("visual_abstractor_config.hidden_size", abstractor.hidden_size, "num_attention_heads", heads);
  equalsVision("visual_abstractor_config.hidden_size", abstractor.hidden_size);
  if (abstractor.encoder_hidden_size !== undefined) {
    equalsVision("visual_abstractor_config.encoder_hidden_size", abstractor.encoder_hidden_size);
  }
  if (text.head_dim == null) {
    divides("text_config.hidden_size", text.hidden_size, "num_attention_heads", text.num_attention_heads);
  }
  const keyValueHeads = text.num_key_value_heads ?? text.num_attention_heads;
  divides("text_config.num_attention_heads", text.num_attention_heads, "num_key_value_heads", keyValueHeads);
  const headDim = text.head_dim ?? Math.floor(text.hidden_size / text.num_attention_heads);
  divides("text_config: the size of a head", headDim, "two, for the rotary embedding", 2);
  return problems;
}

function fromPublished(published: Published): OwlConfig {
  const { vision_config: vision, visual_abstractor_config: abstractor, text_config: text } = published;
  return {
    vision: {
      hidden: vision.hidden_size,
      layers: vision.num_hidden_layers,
      heads: vision.num_attention_heads,
      intermediate: vision.intermediate_size,
      imageSize: vision.image_size,
      patchSize: vision.patch_size,
      epsilon: vision.layer_norm_eps,
      initializerRange: vision.initializer_range,
    },
    abstractor: {
      hidden: abstractor.hidden_size,
      layers: abstractor.num_hidden_layers,
      heads: abstractor.num_attention_heads,
      intermediate: abstractor.intermediate_size,
      epsilon: abstractor.layer_norm_eps,
      initializerRange: abstractor.initializer_range,
    },
    language: {
      hidden: text.hidden_size,
      layers: text.num_hidden_layers,
      heads: text.num_attention_heads,
      keyValueHeads: text.num_key_value_heads ?? text.num_attention_heads,
      headDim: text.head_dim ?? text.hidden_size / text.num_attention_heads,
      intermediate: text.intermediate_size,
      vocabulary: text.vocab_size,
      epsilon: text.rms_norm_eps,
      ropeTheta: text.rope_theta,
      maxPositions: text.max_position_embeddings,
      tiedEmbeddings: text.tie_word_embeddings,
      bosId: text.bos_token_id,
      eosId: text.eos_token_id,
      padId: text.pad_token_id ?? 0,
      initializerRange: text.initializer_range,
    },
    numQueryTokens: published.num_query_tokens,
  };
}

/** The content of a `config.json` in the published form; `parseConfig` of it gives the same config. */
export function configJson(config: OwlConfig): Record<string, unknown> {
  const { vision, abstractor, language } = config;
  return {
    architectures: ["MplugOwlForConditionalGeneration"],
    model_type: "mplug-owl",
    num_query_tokens: config.numQueryTokens,
    vision_config: {
      model_type: "mplug_owl_vision_model",
      hidden_size: vision.hidden,
      num_hidden_layers: vision.layers,
      num_attention_heads: vision.heads,
      intermediate_size: vision.intermediate,
      image_size: vision.imageSize,
      patch_size: vision.patchSize,
      num_channels: 3,
      hidden_act: "quick_gelu",
      layer_norm_eps: vision.epsilon,
      initializer_range: vision.initializerRange,
    },
    visual_abstractor_config: {
      model_type: "mplug_owl_visual_abstract",
      hidden_size: abstractor.hidden,
      encoder_hidden_size: vision.hidden,
      num_hidden_layers: abstractor.layers,
      num_attention_heads: abstractor.heads,
      intermediate_size: abstractor.intermediate,
      layer_norm_eps: abstractor.epsilon,
      initializer_range: abstractor.initializerRange,
    },
    text_config: textConfigJson(language),
    tie_word_embeddings: language.tiedEmbeddings,
    torch_dtype: "float32",
  };
}

function textConfigJson(language: LanguageConfig): Record<string, unknown> {
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
    max_position_embeddings: language.maxPositions,
    tie_word_embeddings: language.tiedEmbeddings,
    bos_token_id: language.bosId,
    eos_token_id: language.eosId,
    pad_token_id: language.padId,
    initializer_range: language.initializerRange,
  };
}
