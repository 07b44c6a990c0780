/** What of a checkpoint's tensors a config can be read from: their names and sizes. */
export type TensorSizes = Pick<ReadonlyMap<string, { readonly dims: readonly number[] }>, "has" | "get">;

type Section = "vision_config" | "visual_abstractor_config" | "text_config";

/** Sizes that a parameter shows: the config's section (none: the top) and key, the parameter, its dimension. */
const SIZES: readonly (readonly [Section | undefined, string, string, number])[] = [
  [undefined, "num_query_tokens", "query_tokens", 1],
  ["vision_config", "hidden_size", "vision_model.embeddings.patch_embed.weight", 0],
  ["vision_config", "patch_size", "vision_model.embeddings.patch_embed.weight", 2],
  ["vision_config", "intermediate_size", "vision_model.encoder.layers.0.mlp.fc1.weight", 0],
  ["visual_abstractor_config", "hidden_size", "query_tokens", 2],
  [
    "visual_abstractor_config",
    "intermediate_size",
    "abstractor.encoder.layers.0.crossattention.output.mlp.w1.weight",
    0,
  ],
  ["text_config", "vocab_size", "language_model.model.embed_tokens.weight", 0],
  ["text_config", "hidden_size", "language_model.model.embed_tokens.weight", 1],
  ["text_config", "intermediate_size", "language_model.model.layers.0.mlp.gate_proj.weight", 0],
];

/** Numbers of layers: the section, and a parameter that every layer has. */
const LAYERS: readonly (readonly [Section, (layer: number) => string])[] = [
  ["vision_config", (i) => `vision_model.encoder.layers.${i}.mlp.fc1.weight`],
  ["visual_abstractor_config", (i) => `abstractor.encoder.layers.${i}.crossattention.norm1.weight`],
  ["text_config", (i) => `language_model.model.layers.${i}.mlp.gate_proj.weight`],
];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A config.json with the sizes that it leaves out, as the tensors have them. The published defaults come only
 * after: the abstractor's MLP is 4,096 wide by default and 2,816 in the released files. What config.json says
 * stays; whether the tensors agree is for `verifyParameters` to judge.
 */
export function withSizesOf(json: unknown, tensors: TensorSizes): unknown {
  if (!isRecord(json)) return json;
  const complete: Record<string, unknown> = { ...json };
  const fill = (section: Section | undefined, key: string, size: number | undefined): void => {
    if (size === undefined || size === 0) return;
    if (section === undefined) complete[key] ??= size;
    const part = section && complete[section];
    if (section && isRecord(part)) complete[section] = { ...part, [key]: part[key] ?? size };
  };
  for (const [section, key, name, axis] of SIZES) fill(section, key, tensors.get(name)?.dims[axis]);
  for (const [section, nameOf] of LAYERS) {
    let layers = 0;
    while (tensors.has(nameOf(layers))) layers++;
    fill(section, "num_hidden_layers", layers);
  }
  return complete;
}
