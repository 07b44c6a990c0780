import { z } from "zod";
import { upTo } from "./config-limits.ts";
import { type TensorSizes, withSizesOf } from "./config-shapes.ts";
import { otherKind } from "./kind.ts";
import { type LanguageConfig, languageConfigJson, readLanguageConfig } from "./language-config.ts";
import { type Quantization, quantizationJson, quantizationSchema } from "./quantization.ts";

export type { LanguageConfig };

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
  /** Inside the MLP; absent: QuickGELU, as published. Many CLIPs have the exact GELU. */
  readonly activation?: "gelu";
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

/** Everything of a published `config.json` that the computation depends on. */
export interface OwlConfig {
  readonly vision: VisionConfig;
  readonly abstractor: AbstractorConfig;
  readonly language: LanguageConfig;
  /** Learned queries a picture or video; it takes one position more, for the learned end row. */
  readonly numQueryTokens: number;
  /** The video version: temporal modules in the vision encoder, queries of their own for videos. */
  readonly video?: boolean;
  /** The parts whose weights are kept in few bits (the key is ours). */
  readonly quantization?: Quantization;
}

/** A config.json that does not describe a model this package computes; the message lists every problem. */
export class ModelConfigError extends Error {
  override name = "ModelConfigError";
  readonly problems: readonly string[];

  /** @param whole the only problem, where the model is of another kind: one line says all */
  constructor(where: string, problems: readonly string[], whole?: string) {
    const next = "Compare it with the config.json of the published checkpoint.";
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
    super(
      whole === undefined
        ? `${where}: must describe an mPLUG-Owl that is computed here, got ${count}:\n${list}\n${next}`
        : `${where}: must describe an mPLUG-Owl (${whole}`,
    );
    this.problems = problems;
  }
}

const count = upTo("size");
const epsilon = z.number().positive();
const deviation = z.number().nonnegative().default(0.02);

// Defaults are those of the published configuration classes, which leave out of config.json what equals them.
const visionSchema = z.object({
  hidden_size: count.default(1024),
  num_hidden_layers: upTo("layers").default(24),
  num_attention_heads: upTo("heads").default(16),
  intermediate_size: count.default(4096),
  image_size: upTo("image").default(224),
  patch_size: count.default(14),
  num_channels: z.literal(3).default(3),
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
  layer_norm_eps: epsilon.default(1e-6),
  initializer_range: deviation,
});

const abstractorSchema = z.object({
  hidden_size: count.default(1024),
  encoder_hidden_size: count.optional(),
  num_hidden_layers: upTo("layers").default(6),
  num_attention_heads: upTo("heads").default(16),
  intermediate_size: count.default(4096),
  layer_norm_eps: epsilon.default(1e-6),
  initializer_range: deviation,
});

const schema = z.object({
  num_query_tokens: upTo("queries").default(64),
  video: z.boolean().optional(),
  vision_config: visionSchema,
  visual_abstractor_config: abstractorSchema,
  text_config: z.record(z.string(), z.unknown()),
  quantization: quantizationSchema.optional(),
});

type Published = z.infer<typeof schema>;

/** The parameter that only checkpoints of the video version have: their config.json does not tell. */
const VIDEO_PARAMETER = "temporal_query_tokens";

/**
 * Reads the content of a published `config.json`.
 *
 * @param where what the content came from, for the message
 * @param weights the checkpoint's tensors by name: they tell the video version, unless the key `video` (ours) does,
 *   and the sizes that the content leaves out
 * @throws ModelConfigError naming every key that is missing, wrong or asks for what is not supported
 */
export function parseConfig(json: unknown, where = "config.json", weights?: TensorSizes): OwlConfig {
  const other = otherKind(json);
  if (other !== undefined) throw new ModelConfigError(where, [other], other);
  const sized = weights ? withSizesOf(json, weights) : json;
  const result = schema.safeParse(sized);
  const problems = (result.error?.issues ?? []).map(
    (issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`,
  );
  const text = z.object({ text_config: schema.shape.text_config }).safeParse(sized).data?.text_config;
  const language =
    text && readLanguageConfig(text, (key, said) => problems.push(`text_config.${key}: ${said}`));
  const published = result.data;
  if (published) problems.unshift(...contradictions(published));
  if (!published || !language || problems.length > 0) throw new ModelConfigError(where, problems);
  return fromPublished(published, language, published.video ?? weights?.has(VIDEO_PARAMETER) ?? false);
}

/**
 * Width inside the abstractor's MLP. The video version computes it from the configured size (reference:
 * `MplugOwlVisualAbstractorMLP` of mplug_owl_video): two thirds of it, in steps of 256; 2,816 stays.
 */
function abstractorWidth(configured: number, video: boolean): number {
  if (!video || configured === 2816) return configured;
  return 256 * Math.ceil(Math.floor((2 * configured) / 3) / 256);
}

/** A configured size whose {@link abstractorWidth} is `width`. */
function configuredWidth(width: number, video: boolean): number {
  return video && width !== 2816 ? Math.ceil((3 * width) / 2) : width;
}

function contradictions(published: Published): string[] {
  const { vision_config: vision, visual_abstractor_config: abstractor } = published;
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
  return problems;
}

function fromPublished(published: Published, language: LanguageConfig, video: boolean): OwlConfig {
  const { vision_config: vision, visual_abstractor_config: abstractor } = published;
  return {
    vision: {
      hidden: vision.hidden_size,
      layers: vision.num_hidden_layers,
      heads: vision.num_attention_heads,
      intermediate: vision.intermediate_size,
      imageSize: vision.image_size,
      patchSize: vision.patch_size,
      ...(vision.hidden_act === "gelu" && { activation: vision.hidden_act }),
      epsilon: vision.layer_norm_eps,
      initializerRange: vision.initializer_range,
    },
    abstractor: {
      hidden: abstractor.hidden_size,
      layers: abstractor.num_hidden_layers,
      heads: abstractor.num_attention_heads,
      intermediate: abstractorWidth(abstractor.intermediate_size, video),
      epsilon: abstractor.layer_norm_eps,
      initializerRange: abstractor.initializer_range,
    },
    language,
    numQueryTokens: published.num_query_tokens,
    ...(video && { video }),
    ...(published.quantization && { quantization: published.quantization }),
  };
}

/** The content of a `config.json` in the published form; `parseConfig` of it gives the same config. */
export function configJson(config: OwlConfig): Record<string, unknown> {
  const { vision, abstractor, language } = config;
  return {
    architectures: ["MplugOwlForConditionalGeneration"],
    model_type: "mplug-owl",
    num_query_tokens: config.numQueryTokens,
    ...(config.video && { video: true }),
    ...(config.quantization && { quantization: quantizationJson(config.quantization) }),
    vision_config: {
      model_type: "mplug_owl_vision_model",
      hidden_size: vision.hidden,
      num_hidden_layers: vision.layers,
      num_attention_heads: vision.heads,
      intermediate_size: vision.intermediate,
      image_size: vision.imageSize,
      patch_size: vision.patchSize,
      num_channels: 3,
      hidden_act: vision.activation ?? "quick_gelu",
      layer_norm_eps: vision.epsilon,
      initializer_range: vision.initializerRange,
    },
    visual_abstractor_config: {
      model_type: "mplug_owl_visual_abstract",
      hidden_size: abstractor.hidden,
      encoder_hidden_size: vision.hidden,
      num_hidden_layers: abstractor.layers,
      num_attention_heads: abstractor.heads,
      intermediate_size: configuredWidth(abstractor.intermediate, config.video === true),
      layer_norm_eps: abstractor.epsilon,
      initializer_range: abstractor.initializerRange,
    },
    text_config: languageConfigJson(language),
    tie_word_embeddings: language.tiedEmbeddings,
    torch_dtype: "float32",
  };
}
