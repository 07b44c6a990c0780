import { generationNamed } from "./generations/generations.ts";
import { familyNamed, familyTitles } from "./language/families.ts";
import { publishedVisionTypes, towerTitles } from "./vision/towers.ts";

/** `model_type` and architecture of a config.json, for messages: `"siglip" (SiglipModel)`. */
export function describeModelType(json: unknown): string {
  const { model_type: type, architectures } = Object(json) as Record<string, unknown>;
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  const named = typeof first === "string" ? ` (${first.slice(0, 60)})` : "";
  return `${type === undefined ? "nothing" : JSON.stringify(type).slice(0, 60)}${named}`;
}

/** Sections of an mPLUG-Owl's config.json; no other model has the first. */
const SECTIONS = ["visual_abstractor_config", "vision_config", "text_config"];

/**
 * The end of an error for a config.json of another model: what was expected and what it is. Undefined for one that has
 * the sections of an mPLUG-Owl, whatever its `model_type`.
 */
export function foreignModel(json: unknown): string | undefined {
  const content = Object(json) as Record<string, unknown>;
  const { model_type: type } = content;
  if (generationNamed(type) !== undefined || Array.isArray(json) || content !== json) return undefined;
  // A file without a model_type is an owl's if it has any of an owl's sections.
  const own = type === undefined ? SECTIONS : SECTIONS.slice(0, 1);
  if (own.some((section) => content[section] !== undefined)) return undefined;
  const isPart = publishedVisionTypes().includes(String(type)) || familyNamed(type) !== undefined;
  const hint = isPart ? `; owl assemble makes one of a ${towerTitles()} and a ${familyTitles()}` : "";
  return `model_type "mplug-owl"), got ${describeModelType(json)}${hint}`;
}
