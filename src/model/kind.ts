/** What a config.json says that it describes, in a few words: `"siglip" (SiglipModel)`. */
export function kindOf(json: unknown): string {
  const { model_type: type, architectures } = Object(json) as Record<string, unknown>;
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  const named = typeof first === "string" ? ` (${first.slice(0, 60)})` : "";
  return `${type === undefined ? "nothing" : JSON.stringify(type).slice(0, 60)}${named}`;
}

/**
 * Says of a config.json that is another model's what it is, and what is computed here; undefined for one that has the
 * sections of an mPLUG-Owl, whatever it calls itself.
 */
export function otherKind(json: unknown): string | undefined {
  const { model_type: type, visual_abstractor_config: abstractor } = Object(json) as Record<string, unknown>;
  if (abstractor !== undefined || type === undefined || type === "mplug-owl") return undefined;
  const parts = ["clip", "clip_vision_model", "llama", "bloom"].includes(String(type));
  const hint = parts ? "; owl assemble makes one of a CLIP and a LLaMA or BLOOM" : "";
  return `model_type "mplug-owl"), got ${kindOf(json)}${hint}`;
}
