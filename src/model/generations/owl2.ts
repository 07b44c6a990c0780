import { z } from "zod";
import { upTo } from "../config-limits.ts";
import { type OnProblem, only } from "../config-reading.ts";
import { languageConfigJson, readLanguageConfig } from "../language/families.ts";
import { llama } from "../language/llama.ts";
import { ModelConfigError, type OwlConfig } from "../owl-config.ts";
import { quantizationJson, readQuantization } from "../quantization.ts";
import { type SectionSizes, type TensorSizes, withSizesFromTensors } from "../sizes-from-tensors.ts";
import { patchSide } from "../vision/patches.ts";
import { readVisionConfig, type VisionConfig, visionConfigJson } from "../vision/towers.ts";
import { byPrefix, type OwlGeneration } from "./generation.ts";
import {
  abstractorFrom,
  abstractorJson,
  abstractorSchema,
  abstractorSizes,
  checkAbstractor,
  inside,
  sectionOf,
  visionSizes,
} from "./sections.ts";

const ofTower = "visual_config.visual_model";
const ofAbstractor = "visual_config.visual_abstractor";

/** Settings of the sections that mean other computations (mPLUG-Owl2.1's), which are not made here. */
const towerSwitches = z.object({ use_cls_token: only(true), use_post_layernorm: only(true) });

const abstractorOptions = abstractorSchema(2816).extend({
  num_learnable_queries: upTo("queries").default(64),
  // The published class's default is none, which its code takes for 32.
  grid_size: upTo("queries")
    .nullish()
    .transform((size) => size ?? 32),
  add_v2t_pos_emb: only(false),
  use_cls_token: only(true),
});

/** What config.json says of pictures, where a fine-tuning script wrote it, and what it means here. */
const pictureFits = { pad: "pad", square: "crop", resize: undefined } as const;
type AspectRatio = keyof typeof pictureFits;
const aspectRatios = Object.keys(pictureFits) as [AspectRatio, ...AspectRatio[]];
const pictures = z.object({ image_aspect_ratio: z.enum(aspectRatios).nullish() });

function checked<T>(schema: z.ZodType<T>, json: unknown, onProblem: OnProblem): T | undefined {
  const { data, error } = schema.safeParse(json);
  for (const { path, message } of error?.issues ?? []) onProblem(path.join("."), message);
  return data;
}

function parse(json: Record<string, unknown>, where: string, weights: TensorSizes | undefined): OwlConfig {
  const problems: string[] = [];
  const onTop: OnProblem = (key, problem) => problems.push(`${key}: ${problem}`);
  const sized = sizedParts(json, weights);
  const visionJson = { image_size: 448, ...sized.tower };
  const vision = readVisionConfig(visionJson, inside(problems, ofTower));
  checked(towerSwitches, visionJson, inside(problems, ofTower));
  const abstractor = readAbstractor(sized.abstractor, vision, inside(problems, ofAbstractor));
  const language = readLanguageConfig({ ...sized.language, model_type: "llama" }, onTop);
  const quantization = readQuantization(json.quantization, onTop);
  const aspectRatio = checked(pictures, json, onTop)?.image_aspect_ratio;
  const pictureFit = aspectRatio ? pictureFits[aspectRatio] : undefined;
  if (!vision || !abstractor || !language || problems.length > 0) {
    throw new ModelConfigError(where, problems);
  }
  return {
    vision,
    abstractor: { ...abstractorFrom(abstractor), grid: abstractor.grid_size },
    language: { ...language, modalityAdaptive: true } as OwlConfig["language"],
    generation: "owl2",
    numQueryTokens: abstractor.num_learnable_queries,
    ...(pictureFit && { pictureFit }),
    ...(quantization && { quantization }),
  };
}

/** The parts of config.json, with the sizes that they leave to the weights. */
function sizedParts(json: Record<string, unknown>, weights: TensorSizes | undefined) {
  const visual = sectionOf(json, "visual_config");
  const given = {
    tower: sectionOf(visual, "visual_model") ?? {},
    abstractor: sectionOf(visual, "visual_abstractor") ?? {},
    language: json,
  };
  if (weights === undefined) return given;
  const queries = { key: "num_learnable_queries", tensor: "query_tokens", axis: 1 } as const;
  const sections: SectionSizes[] = [
    visionSizes("tower", given.tower),
    { section: "abstractor", prefix: "", sizes: [queries, ...abstractorSizes] },
    { section: "language", prefix: "language_model.", sizes: llama.sizes },
  ];
  return withSizesFromTensors(given, weights, sections) as typeof given;
}

function readAbstractor(json: unknown, vision: VisionConfig | undefined, onProblem: OnProblem) {
  const abstractor = checked(abstractorOptions, json, onProblem);
  if (abstractor === undefined || vision === undefined) return undefined;
  checkAbstractor(abstractor, { section: ofTower, hidden: vision.hidden }, onProblem);
  const side = patchSide(vision);
  if (abstractor.grid_size !== side) {
    onProblem("grid_size", `must be the ${side} patches along a picture's side, got ${abstractor.grid_size}`);
  }
  if (abstractor.hidden_size % 4 !== 0) {
    onProblem("hidden_size", `must be a multiple of 4, for positions, got ${abstractor.hidden_size}`);
  }
  return abstractor;
}

function configJson(config: OwlConfig): Record<string, unknown> {
  const { vision, abstractor, language, numQueryTokens, pictureFit } = config;
  const aspectRatio = aspectRatios.find((name) => pictureFit && pictureFits[name] === pictureFit);
  return {
    ...languageConfigJson(language),
    architectures: ["MPLUGOwl2LlamaForCausalLM"],
    model_type: owl2.modelType,
    ...(aspectRatio && { image_aspect_ratio: aspectRatio }),
    ...(config.quantization && { quantization: quantizationJson(config.quantization) }),
    visual_config: {
      visual_model: { ...visionConfigJson(vision), use_cls_token: true, use_post_layernorm: true },
      visual_abstractor: {
        ...abstractorJson(abstractor, vision.hidden),
        num_learnable_queries: numQueryTokens,
        grid_size: abstractor.grid,
        add_v2t_pos_emb: false,
        use_cls_token: true,
      },
    },
    torch_dtype: "float32",
  };
}

/** mPLUG-Owl2 (arXiv 2311.04257): LLaMA-2 whose layers treat pictures' tokens apart, larger pictures, an abstractor with positions. */
export const owl2: OwlGeneration = {
  title: "mPLUG-Owl2",
  paper: "arXiv 2311.04257",
  modelType: "mplug_owl2",
  parse,
  configJson,
  // Its evaluation and README stretch; what its fine-tuning scripts padded says so in config.json.
  pictureFit: ({ pictureFit }) => pictureFit ?? "stretch",
  placeholder: -200,
  names: byPrefix([
    ["model.vision_model.", "vision_model."],
    ["model.visual_abstractor.query_embeds", "query_tokens"],
    ["model.visual_abstractor.", "abstractor."],
    ["", "language_model."],
  ]),
};
