import { familyNamed, familyTitles } from "./language/families.ts";
import { publishedVisionTypes, towerTitles } from "./vision/towers.ts";

/** What a config.json says that it describes, in a few words: `"siglip" (SiglipModel)`. */
export function kindOf(json: unknown): string {
  const { model_type: type, architectures } = Object(json) as Record<string, unknown>;
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  const named = typeof first === "string" ? ` (${first.slice(0, 60)})` : "";
  return `${type === undefined ? "nothing" : JSON.stringify(type).slice(0, 60)}${named}`;
}

/** The one that no other model has comes first. */
const SECTIONS = ["visual_abstractor_config", "vision_config", "text_config"];

/**
 * Says of a config.json that is another model's what it is, and what is computed here; undefined for one that has the
 * sections of an mPLUG-Owl, whatever it calls itself.
 */
export function otherKind(json: unknown): string | undefined {
  const content = Object(json) as Record<string, unknown>;
  const { model_type: type } = content;
  if (type === "mplug-owl" || Array.isArray(json) || content !== json) return undefined;
  // A file that does not say is an owl's if it has any of an owl's sections.
  const own = type === undefined ? SECTIONS : SECTIONS.slice(0, 1);
  if (own.some((section) => content[section] !== undefined)) return undefined;
  const isPart = publishedVisionTypes().includes(String(type)) || familyNamed(type) !== undefined;
  const hint = isPart ? `; owl assemble makes one of a ${towerTitles()} and a ${familyTitles()}` : "";
  return `model_type "mplug-owl"), got ${kindOf(json)}${hint}`;
}
