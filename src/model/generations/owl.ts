import { z } from "zod";
import { upTo } from "../config-limits.ts";
import {
  defaultFamily,
  familyNamed,
  type LanguageConfig,
  languageConfigJson,
  readLanguageConfig,
} from "../language/families.ts";
import { ModelConfigError, type OwlConfig } from "../owl-config.ts";
import { quantizationJson, quantizationSchema } from "../quantization.ts";
import { type SectionSizes, type TensorSizes, withSizesFromTensors } from "../sizes-from-tensors.ts";
import { tilePositionTable } from "../tile-positions.ts";
import { readVisionConfig, type VisionConfig, visionConfigJson } from "../vision/towers.ts";
import type { OwlGeneration } from "./generation.ts";
import {
  abstractorFrom,
  abstractorJson,
  abstractorSchema,
  abstractorSizes,
  checkAbstractor,
  inside,
  section,
  sectionOf,
  visionSizes,
} from "./sections.ts";

// Defaults are those of the published configuration classes, which leave out of config.json what equals them.
const schema = z.object({
  num_query_tokens: upTo("queries").default(64),
  video: z.boolean().optional(),
  tile_positions: upTo("queries").optional(),
  vision_config: section,
  visual_abstractor_config: abstractorSchema(4096),
  text_config: section,
  quantization: quantizationSchema.optional(),
});

type Published = z.infer<typeof schema>;

/** The parameter that only checkpoints of the video version have: their config.json does not tell. */
const VIDEO_PARAMETER = "temporal_query_tokens";

function parse(json: Record<string, unknown>, where: string, weights: TensorSizes | undefined): OwlConfig {
  const sized = weights ? withSizesFromTensors(json, weights, sizedSections(json)) : json;
  const problems: string[] = [];
  const visionJson = sectionOf(sized, "vision_config");
  const vision = visionJson && readVisionConfig(visionJson, inside(problems, "vision_config"));
  const { data: published, error } = schema.safeParse(sized);
  for (const { path, message } of error?.issues ?? []) {
    problems.push(`${path.join(".") || "the file"}: ${message}`);
  }
  if (published && vision) {
    const onProblem = inside(problems, "visual_abstractor_config");
    const { hidden } = vision;
    checkAbstractor(published.visual_abstractor_config, { section: "vision_config", hidden }, onProblem);
  }
  const textJson = sectionOf(sized, "text_config");
  const language = textJson && readLanguageConfig(textJson, inside(problems, "text_config"));
  if (!published || !vision || !language || problems.length > 0) throw new ModelConfigError(where, problems);
  const video = published.video ?? weights?.has(VIDEO_PARAMETER) ?? false;
  return fromPublished(published, vision, language, video);
}

/** The sizes that config.json may leave out. */
function sizedSections(json: unknown): SectionSizes[] {
  const family = familyNamed(sectionOf(json, "text_config")?.model_type ?? defaultFamily);
  return [
    {
      prefix: "",
      sizes: [
        { key: "num_query_tokens", tensor: "query_tokens", axis: 1 },
        { key: "tile_positions", tensor: tilePositionTable, axis: 0 },
      ],
    },
    { section: "visual_abstractor_config", prefix: "", sizes: abstractorSizes },
    visionSizes("vision_config", sectionOf(json, "vision_config")),
    { section: "text_config", prefix: "language_model.", sizes: family?.sizes ?? [] },
  ];
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

function fromPublished(
  published: Published,
  vision: VisionConfig,
  language: LanguageConfig,
  video: boolean,
): OwlConfig {
  const { visual_abstractor_config: abstractor } = published;
  return {
    vision,
    abstractor: abstractorFrom(abstractor, abstractorWidth(abstractor.intermediate_size, video)),
    language,
    numQueryTokens: published.num_query_tokens,
    ...(video && { video }),
    ...(published.tile_positions !== undefined && { tilePositions: published.tile_positions }),
    ...(published.quantization && { quantization: published.quantization }),
  };
}

function configJson(config: OwlConfig): Record<string, unknown> {
  const { vision, abstractor, language } = config;
  const isVideo = config.video === true;
  return {
    architectures: ["MplugOwlForConditionalGeneration"],
    model_type: owl.modelType,
    num_query_tokens: config.numQueryTokens,
    ...(isVideo && { video: true }),
    ...(config.tilePositions !== undefined && { tile_positions: config.tilePositions }),
    ...(config.quantization && { quantization: quantizationJson(config.quantization) }),
    vision_config: visionConfigJson(vision),
    visual_abstractor_config: abstractorJson(
      abstractor,
      vision.hidden,
      configuredWidth(abstractor.intermediate, isVideo),
    ),
    text_config: languageConfigJson(language),
    tie_word_embeddings: language.tiedEmbeddings,
    torch_dtype: "float32",
  };
}

/** The first mPLUG-Owl (arXiv 2304.14178), its video version, its readers in tiles (UReader), and owls of other parts. */
export const owl: OwlGeneration = {
  title: "mPLUG-Owl",
  paper: "arXiv 2304.14178",
  modelType: "mplug-owl",
  parse,
  configJson,
  pictureFit: ({ video }) => (video ? "crop" : "squeeze"),
};
