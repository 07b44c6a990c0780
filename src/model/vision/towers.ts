import type { OnProblem } from "../config-reading.ts";
import { type ClipConfig, clip } from "./clip.ts";
import { type Dinov2Config, type Dinov2WithRegistersConfig, dinov2, dinov2WithRegisters } from "./dinov2.ts";
import { type Dinov3Config, dinov3 } from "./dinov3.ts";
import { type SiglipConfig, siglip } from "./siglip.ts";
import type { VisionTower } from "./tower.ts";

/** Every tower's config by the tower's name. */
interface Configs {
  readonly clip: ClipConfig;
  readonly siglip: SiglipConfig;
  readonly dinov2: Dinov2Config;
  readonly dinov2_with_registers: Dinov2WithRegistersConfig;
  readonly dinov3_vit: Dinov3Config;
}

/** Sizes of the vision tower. */
export type VisionConfig = Configs[keyof Configs];

/** The vision towers that are computed here. */
export const towers: { readonly [T in keyof Configs]: VisionTower<Configs[T]> } = {
  clip,
  siglip,
  dinov2,
  dinov2_with_registers: dinov2WithRegisters,
  dinov3_vit: dinov3,
};

const allTowers = (): VisionTower<VisionConfig>[] => Object.values(towers);

/**
 * The tower of a config.
 *
 * @throws TypeError where the config was made by hand and names none that is computed here
 */
export function towerOf({ tower }: Pick<VisionConfig, "tower">): VisionTower<VisionConfig> {
  if (Object.hasOwn(towers, tower)) return towers[tower];
  const known = Object.keys(towers).map((name) => JSON.stringify(name));
  throw new TypeError(`vision.tower: must be ${known.join(" or ")}, got ${JSON.stringify(tower)}; name one`);
}

/** The tower by `model_type` in an owl's `vision_config`, its own or the published one; CLIP where it is left out. */
export function towerNamed(modelType: unknown): VisionTower<VisionConfig> | undefined {
  if (modelType == null) return towers.clip;
  return allTowers().find((tower) =>
    [tower.modelType, ...tower.published.modelTypes.alone].includes(String(modelType)),
  );
}

/**
 * Reads an owl's `vision_config`.
 *
 * @param onProblem is told every key that is wrong or asks for what is not supported
 * @returns undefined where the config cannot be made up; problems may be reported beside a config, too
 */
export function readVisionConfig(
  json: Record<string, unknown>,
  onProblem: OnProblem,
): VisionConfig | undefined {
  const tower = towerNamed(json.model_type);
  if (tower === undefined) {
    const known = allTowers().map(({ modelType }) => JSON.stringify(modelType));
    onProblem("model_type", `must be ${known.join(" or ")}, got ${JSON.stringify(json.model_type)}`);
  }
  return (tower ?? towers.clip).readConfig(json, onProblem);
}

/** The content of an owl's `vision_config`; reading it gives the same. */
export function visionConfigJson(config: VisionConfig): Record<string, unknown> {
  return towerOf(config).configJson(config);
}

/** The tower that a config.json of Hugging Face's describes, and the settings of it there. */
export interface PublishedVision {
  readonly tower: VisionTower<VisionConfig>;
  readonly json: Record<string, unknown>;
}

/**
 * Finds the tower that a config.json describes, alone or as a part of a model of pictures and texts, its own or a larger one. A
 * `vision_config_dict`, which old files have too, replaces `vision_config`. An owl's config.json describes none.
 */
export function publishedVision(json: Record<string, unknown>): PublishedVision | undefined {
  const { model_type: type, vision_config: own, vision_config_dict: older, visual_abstractor_config } = json;
  if (visual_abstractor_config !== undefined) return undefined;
  const section = older ?? own ?? undefined;
  const named = (kind: "whole" | "alone", name: unknown): VisionTower<VisionConfig> | undefined =>
    allTowers().find(({ published }) => published.modelTypes[kind].includes(String(name)));
  const alone = named("alone", type);
  if (alone !== undefined) return { tower: alone, json };
  if (section === undefined) {
    const whole = named("whole", type);
    return whole && { tower: whole, json: {} };
  }
  if (typeof section !== "object" || section === null || Array.isArray(section)) return undefined;
  const inside = section as Record<string, unknown>;
  // A larger model that was built on a tower (LLaVA, Gemma 3) names it in the section.
  const builtOn = type === undefined ? (inside.model_type ?? clipAlone) : inside.model_type;
  const whole = named("whole", type) ?? named("alone", builtOn);
  return whole && { tower: whole, json: inside };
}

/** What a `vision_config` without a `model_type` is of. */
const [clipAlone] = towers.clip.published.modelTypes.alone;

/** Everything that `model_type` of a published tower may be. */
export function publishedVisionTypes(): string[] {
  return allTowers().flatMap(({ published: { modelTypes } }) => [...modelTypes.whole, ...modelTypes.alone]);
}

/** The towers as people know them: "CLIP". */
export function towerTitles(): string {
  return allTowers()
    .map(({ title }) => title)
    .join(" or ");
}
