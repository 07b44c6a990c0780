import { z } from "zod";
import { upTo } from "./config-limits.ts";
import { initializerRange, type OnProblem, requireMultiple } from "./config-reading.ts";
import {
  defaultFamily,
  familyNamed,
  type LanguageConfig,
  languageConfigJson,
  publishedLanguage,
  readLanguageConfig,
} from "./language/families.ts";
import { foreignModel } from "./model-type.ts";
import { type Quantization, quantizationJson, quantizationSchema, readQuantization } from "./quantization.ts";
import { type SectionSizes, type TensorSizes, withSizesFromTensors } from "./sizes-from-tensors.ts";
import { withoutVision } from "./text-only.ts";
import { readVisionConfig, towerNamed, type VisionConfig, visionConfigJson } from "./vision/towers.ts";

export type { LanguageConfig, VisionConfig };

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
  /** Learned queries a picture or video; it takes one position more, for the learned EOS embedding. */
  readonly numQueryTokens: number;
  /** Whether it is a language model alone: it takes no pictures, and `vision` and `abstractor` are errors. */
  readonly textOnly?: boolean;
  /** Whether it is the video version: temporal modules in the vision encoder, further queries for videos. */
  readonly video?: boolean;
  /** The parts whose weights are quantised (the key is this package's own). */
  readonly quantization?: Quantization;
}

/** A config.json that does not describe a model this package computes; the message lists every problem. */
export class ModelConfigError extends Error {
  override name = "ModelConfigError";
  readonly problems: readonly string[];

  /** @param whole the end of a one-line message in place of the list, where the file is another model's */
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

// Defaults are those of the published configuration classes, which leave out of config.json what equals them.
const abstractorSchema = z.object({
  hidden_size: upTo("size").default(1024),
  encoder_hidden_size: upTo("size").optional(),
  num_hidden_layers: upTo("layers").default(6),
  num_attention_heads: upTo("heads").default(16),
  intermediate_size: upTo("size").default(4096),
  layer_norm_eps: z.number().positive().default(1e-6),
  initializer_range: initializerRange,
});

/** A section that a reader of its own reads. */
const section = z.record(z.string(), z.unknown());

const schema = z.object({
  num_query_tokens: upTo("queries").default(64),
  video: z.boolean().optional(),
  vision_config: section,
  visual_abstractor_config: abstractorSchema,
  text_config: section,
  quantization: quantizationSchema.optional(),
});

type Published = z.infer<typeof schema>;

/** The parameter that only checkpoints of the video version have: their config.json does not tell. */
const VIDEO_PARAMETER = "temporal_query_tokens";

/**
 * Reads the content of a published `config.json`.
 *
 * @param where what the content came from, for the message
 * @param weights the checkpoint's tensors by name: they show whether it is the video version, unless the key `video`
 *   (this package's own) does, and the sizes that the content leaves out
 * @throws ModelConfigError naming every key that is missing, wrong or asks for what is not supported
 */
export function parseConfig(json: unknown, where = "config.json", weights?: TensorSizes): OwlConfig {
  const other = foreignModel(json);
  if (other !== undefined) {
    const language = publishedLanguage(json);
    if (!language?.standsForText) throw new ModelConfigError(where, [other], other);
    return parseLanguageModel(language.json, where);
  }
  const sized = weights ? withSizesFromTensors(json, weights, sizedSections(json)) : json;
  const problems: string[] = [];
  const inSection =
    (name: string): OnProblem =>
    (key, problem) =>
      problems.push(`${name}.${key}: ${problem}`);
  const visionJson = sectionOf(sized, "vision_config");
  const vision = visionJson && readVisionConfig(visionJson, inSection("vision_config"));
  const { data: published, error } = schema.safeParse(sized);
  for (const { path, message } of error?.issues ?? []) {
    problems.push(`${path.join(".") || "the file"}: ${message}`);
  }
  if (published && vision) problems.push(...contradictions(published, vision));
  const textJson = sectionOf(sized, "text_config");
  const language = textJson && readLanguageConfig(textJson, inSection("text_config"));
  if (!published || !vision || !language || problems.length > 0) throw new ModelConfigError(where, problems);
  const video = published.video ?? weights?.has(VIDEO_PARAMETER) ?? false;
  return fromPublished(published, vision, language, video);
}

/** The config of a language model alone; see {@link withoutVision}. */
export function textOnlyConfig(language: LanguageConfig, quantization?: Quantization): OwlConfig {
  const config = { language, numQueryTokens: 0, textOnly: true };
  return withoutVision({ ...config, ...(quantization && { quantization }) });
}

/** Reads the config.json of a language model alone. */
function parseLanguageModel(json: Record<string, unknown>, where: string): OwlConfig {
  const problems: string[] = [];
  const onProblem: OnProblem = (key, problem) => problems.push(`${key}: ${problem}`);
  const quantization = readQuantization(json.quantization, onProblem);
  const language = readLanguageConfig(json, onProblem);
  if (language === undefined || problems.length > 0) throw new ModelConfigError(where, problems);
  return textOnlyConfig(language, quantization);
}

/** A section of config.json; undefined where it is none. */
function sectionOf(json: unknown, key: "vision_config" | "text_config"): Record<string, unknown> | undefined {
  return section.safeParse(Object(json)[key]).data;
}

/** The sizes that config.json may leave out. */
function sizedSections(json: unknown): SectionSizes[] {
  const tower = towerNamed(sectionOf(json, "vision_config")?.model_type);
  const family = familyNamed(sectionOf(json, "text_config")?.model_type ?? defaultFamily);
  return [
    ...abstractorSizes,
    { section: "vision_config", prefix: "vision_model.", sizes: tower?.sizes ?? [] },
    { section: "text_config", prefix: "language_model.", sizes: family?.sizes ?? [] },
  ];
}

const abstractorSizes: readonly SectionSizes[] = [
  { prefix: "", sizes: [{ key: "num_query_tokens", tensor: "query_tokens", axis: 1 }] },
  {
    section: "visual_abstractor_config",
    prefix: "",
    sizes: [
      { key: "hidden_size", tensor: "query_tokens", axis: 2 },
      {
        key: "intermediate_size",
        tensor: "abstractor.encoder.layers.0.crossattention.output.mlp.w1.weight",
        axis: 0,
      },
      {
        key: "num_hidden_layers",
        layer: (i) => `abstractor.encoder.layers.${i}.crossattention.norm1.weight`,
      },
    ],
  },
];

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

function contradictions(published: Published, vision: VisionConfig): string[] {
  const { visual_abstractor_config: abstractor } = published;
  const problems: string[] = [];
  const onProblem: OnProblem = (key, problem) => problems.push(`visual_abstractor_config.${key}: ${problem}`);
  const equalsVision = (key: string, size: number): void => {
    if (size !== vision.hidden) {
      onProblem(key, `must equal vision_config.hidden_size (${vision.hidden}), got ${size}`);
    }
  };
  const { hidden_size, encoder_hidden_size, num_attention_heads: heads } = abstractor;
  requireMultiple(onProblem, "hidden_size", hidden_size, "num_attention_heads", heads);
  equalsVision("hidden_size", hidden_size);
  if (encoder_hidden_size !== undefined) equalsVision("encoder_hidden_size", encoder_hidden_size);
  return problems;
}

function fromPublished(
  published: Published,
  vision: VisionConfig,
  language: LanguageConfig,
  video: boolean,
): OwlConfig {
  const { visual_abstractor_config: abstractor } = published;
  return {
    vision,
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
  const { language } = config;
  const quantization = config.quantization && { quantization: quantizationJson(config.quantization) };
  if (config.textOnly) return { ...languageConfigJson(language), ...quantization, torch_dtype: "float32" };
  const { vision, abstractor } = config;
  return {
    architectures: ["MplugOwlForConditionalGeneration"],
    model_type: "mplug-owl",
    num_query_tokens: config.numQueryTokens,
    ...(config.video && { video: true }),
    ...quantization,
    vision_config: visionConfigJson(vision),
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
