import { z } from "zod";
import { type OnProblem, only, parsed } from "../config-reading.ts";
import { languageConfigJson, readLanguageConfig } from "../language/families.ts";
import type { HyperSettings } from "../language/hyper-settings.ts";
import { qwen2 } from "../language/qwen.ts";
import { ModelConfigError, type OwlConfig } from "../owl-config.ts";
import { quantizationJson, readQuantization } from "../quantization.ts";
import { type TensorSizes, withSizesFromTensors } from "../sizes-from-tensors.ts";
import { withoutAbstractor } from "../text-only.ts";
import { siglip } from "../vision/siglip.ts";
import { type VisionConfig, visionConfigJson } from "../vision/towers.ts";
import { byPrefix, type OwlGeneration } from "./generation.ts";
import { inside, sectionOf } from "./sections.ts";

/** What tells the versions apart; each was published in one of these combinations. */
interface Version {
  readonly gate: HyperSettings["gate"];
  readonly projector: NonNullable<OwlConfig["projector"]>;
}

/** The versions by the dates of their release. */
const versions = {
  "240728": { gate: "context", projector: "linear" },
  "241014": { gate: "channel", projector: "linear" },
  "241101": { gate: "none", projector: "mlp" },
} as const satisfies Readonly<Record<string, Version>>;

const versionNames = Object.keys(versions) as (keyof typeof versions)[];

/** Published towers have one layer more, whose result is not used. */
const UNUSED_LAYERS = 1;

/** What the published code takes for the tower where config.json says nothing of it. */
const tower = {
  hidden_size: 1152,
  num_hidden_layers: 27,
  num_attention_heads: 16,
  intermediate_size: 4304,
  patch_size: 14,
  image_size: 384,
};

const own = z.object({
  hyper_layers: z.array(z.number().int().positive()).min(1),
  use_sliding_window: only(false),
  // A file that was made without weights to ask says it.
  mplugowl3_version: z.enum(versionNames).optional(),
});

function parse(json: Record<string, unknown>, where: string, weights: TensorSizes | undefined): OwlConfig {
  const problems: string[] = [];
  const onTop: OnProblem = (key, problem) => problems.push(`${key}: ${problem}`);
  const settings = parsed(own, json, onTop);
  const vision = readTower(json, inside(problems, "vision_config"));
  const sections = [{ section: "language", prefix: "language_model.", sizes: qwen2.sizes }];
  const whole = { language: { ...json, model_type: "qwen2" } };
  const { language: sized } = (
    weights ? withSizesFromTensors(whole, weights, sections) : whole
  ) as typeof whole;
  const language = readLanguageConfig(sized, onTop);
  const quantization = readQuantization(json.quantization, onTop);
  const layers = settings && language && hyperLayers(settings.hyper_layers, language.layers, onTop);
  const version = settings && layers && versionOf(settings.mplugowl3_version, layers, weights, onTop);
  if (!vision || !language || !layers || !version || problems.length > 0) {
    throw new ModelConfigError(where, problems);
  }
  return withoutAbstractor({
    vision,
    language: { ...language, hyper: { layers, gate: version.gate } } as OwlConfig["language"],
    generation: "owl3" as const,
    numQueryTokens: 0,
    projector: version.projector,
    ...(quantization && { quantization }),
  });
}

function readTower(json: Record<string, unknown>, onProblem: OnProblem): VisionConfig | undefined {
  const section = { ...tower, ...sectionOf(json, "vision_config") };
  const vision = siglip.readConfig(section, onProblem);
  if (vision === undefined) return undefined;
  if (vision.layers <= UNUSED_LAYERS) {
    onProblem("num_hidden_layers", `must be at least ${UNUSED_LAYERS + 1}, got ${vision.layers}`);
  }
  return { ...vision, layers: vision.layers - UNUSED_LAYERS, endsPlain: true };
}

/** Layers counted from 0. */
function hyperLayers(published: readonly number[], layers: number, onProblem: OnProblem): readonly number[] {
  const sorted = [...new Set(published)].sort((a, b) => a - b);
  if (sorted[sorted.length - 1] > layers) {
    onProblem("hyper_layers", `must count from 1 to ${layers}, got ${published.join(", ")}`);
  }
  return sorted.map((layer) => layer - 1);
}

/** The version by the tensors of a hyper layer: config.json does not tell. */
function versionOf(
  written: keyof typeof versions | undefined,
  [first]: readonly number[],
  weights: TensorSizes | undefined,
  onProblem: OnProblem,
): Version | undefined {
  const attention = `language_model.model.layers.${first}.self_attn`;
  const has = (name: string): boolean => weights!.has(name) || weights!.has(`${name}.packed`);
  if (weights === undefined || !has(`${attention}.q_proj.weight`)) {
    if (written !== undefined) return versions[written];
    onProblem(
      "mplugowl3_version",
      `must be one of ${versionNames.join(", ")} where there are no weights to tell`,
    );
    return undefined;
  }
  const gate = has(`${attention}.gate_proj.0.weight`)
    ? "context"
    : has(`${attention}.gate`)
      ? "channel"
      : "none";
  return { gate, projector: has("abstractor.projector.0.weight") ? "mlp" : "linear" };
}

function configJson(config: OwlConfig): Record<string, unknown> {
  const { vision, language, projector } = config;
  const { layers, gate } = (language as { hyper: HyperSettings }).hyper;
  const version = versionNames.find(
    (name) => versions[name].gate === gate && versions[name].projector === projector,
  );
  return {
    ...languageConfigJson(language),
    architectures: ["mPLUGOwl3Model"],
    model_type: owl3.modelType,
    hyper_layers: layers.map((layer) => layer + 1),
    ...(version && { mplugowl3_version: version }),
    ...(config.quantization && { quantization: quantizationJson(config.quantization) }),
    vision_config: { ...visionConfigJson(vision), num_hidden_layers: vision.layers + UNUSED_LAYERS },
    torch_dtype: "float32",
  };
}

/** What is in published files and not used: the tower's last layer and what is behind it. */
function isUnused(name: string, json: Record<string, unknown>): boolean {
  const { num_hidden_layers: layers } = { ...tower, ...sectionOf(json, "vision_config") };
  return ["head.", "post_layernorm.", `encoder.layers.${Number(layers) - UNUSED_LAYERS}.`].some((part) =>
    name.startsWith(`vision_model.${part}`),
  );
}

/** mPLUG-Owl3 (arXiv 2408.04840): pictures beside the text, which some layers of a Qwen2 look at. */
export const owl3: OwlGeneration = {
  title: "mPLUG-Owl3",
  modelType: "mplugowl3",
  paper: "arXiv 2408.04840",
  parse,
  configJson,
  pictureFit: () => "squeeze",
  preprocessing: (side) => ({
    image_processor_type: "mPLUGOwl3ImageProcessor",
    image_size: side,
    cut_enable: true,
  }),
  names: byPrefix([["vision2text_model.", "abstractor.projector."]]),
  isUnused,
};
