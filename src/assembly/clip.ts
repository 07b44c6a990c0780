import { z } from "zod";
import { CheckpointError, rowsOf, type TensorEntry, type TensorSource } from "../checkpoint/index.ts";
import { kindOf, type VisionConfig } from "../model/index.ts";
import { allocate, type HostTensor } from "../tensor/index.ts";
import { renamed } from "./renamed.ts";

const count = z.number().int().positive();

// Defaults are those of Hugging Face's CLIPVisionConfig.
const schema = z.object({
  hidden_size: count.default(768),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  intermediate_size: count.default(3072),
  image_size: count.default(224),
  patch_size: count.default(32),
  num_channels: z.literal(3).default(3),
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  initializer_range: z.number().nonnegative().default(0.02),
});

/**
 * Reads the config.json of a Hugging Face CLIP: of a whole CLIPModel its `vision_config`, or a CLIPVisionModel's own.
 *
 * @param problems gets every key that is wrong or asks for what is not supported
 */
export function readClipConfig(json: unknown, problems: string[]): VisionConfig | undefined {
  const whole = z
    .looseObject({ model_type: z.string(), vision_config: z.unknown() })
    .partial()
    .safeParse(json);
  const nested = whole.data?.vision_config;
  const type = whole.data?.model_type;
  const isClip = nested === undefined ? type === "clip_vision_model" : type === undefined || type === "clip";
  if (!isClip) {
    problems.push(`model_type: must be "clip" or "clip_vision_model", got ${kindOf(json)}`);
    return undefined;
  }
  const { data, error } = schema.safeParse(nested ?? json);
  for (const { path, message } of error?.issues ?? []) problems.push(`${path.join(".")}: ${message}`);
  if (data === undefined) return undefined;
  if (data.hidden_size % data.num_attention_heads !== 0) {
    problems.push(`hidden_size: must be a multiple of num_attention_heads, got ${data.hidden_size}`);
  }
  if (data.image_size % data.patch_size !== 0) {
    problems.push(
      `image_size: must be a multiple of patch_size (${data.patch_size}), got ${data.image_size}`,
    );
  }
  return {
    hidden: data.hidden_size,
    layers: data.num_hidden_layers,
    heads: data.num_attention_heads,
    intermediate: data.intermediate_size,
    imageSize: data.image_size,
    patchSize: data.patch_size,
    ...(data.hidden_act === "gelu" && { activation: data.hidden_act }),
    epsilon: data.layer_norm_eps,
    initializerRange: data.initializer_range,
  };
}

const PREFIX = "vision_model.";

/**
 * What stands in front of the names of a CLIP's vision half: `vision_model.`, nothing in what transformers 5 saves of a
 * CLIPVisionModel, more where it was a part of something.
 *
 * @throws CheckpointError where there are several
 */
function prefixOf({ path, tensors }: TensorSource): string {
  const last = "embeddings.class_embedding";
  const found = tensors.filter(({ name }) => name === last || name.endsWith(`.${last}`));
  const prefixes = found.map(({ name }) => name.slice(0, -last.length));
  if (prefixes.length > 1) {
    const next = "Save the one that is meant on its own.";
    throw new CheckpointError(
      path,
      "must hold the vision half of one CLIP",
      [`several: ${prefixes.map((prefix) => prefix || "(no prefix)").join(", ")}`],
      next,
    );
  }
  return prefixes.at(0) ?? PREFIX;
}

/** CLIP's names of what an owl has under another one; the same as there are all others. */
const names: readonly (readonly [RegExp, string])[] = [
  [/^vision_model\.embeddings\.class_embedding$/, "vision_model.embeddings.cls_token"],
  [/^vision_model\.embeddings\.patch_embedding\.weight$/, "vision_model.embeddings.patch_embed.weight"],
  [/^vision_model\.embeddings\.position_embedding\.weight$/, "vision_model.embeddings.position_embedding"],
  // The spelling is CLIP's.
  [/^vision_model\.pre_layrnorm\./, "vision_model.embeddings.pre_layernorm."],
  [/\.layer_norm1\./, ".input_layernorm."],
  [/\.layer_norm2\./, ".post_attention_layernorm."],
  [/\.self_attn\.out_proj\./, ".self_attn.dense."],
];

function owlName(name: string): string {
  return names.reduce((sofar, [pattern, replacement]) => sofar.replace(pattern, replacement), name);
}

/** An owl gives these a leading dimension of one, as its other parameters of that kind have. */
function owlDims(name: string, dims: readonly number[]): readonly number[] {
  if (name.endsWith(".cls_token")) return [1, 1, ...dims];
  return name.endsWith(".position_embedding") ? [1, ...dims] : dims;
}

/**
 * A CLIP's vision half under an owl's names and in its shapes: separate query, key and value projections become one
 * whose rows lie as [heads, 3, headDim]. CLIP's text half and projections are left out.
 */
export function clipWeights(given: TensorSource, { heads }: VisionConfig): TensorSource {
  const prefix = prefixOf(given);
  const half = given.tensors.filter(({ name }) => name.startsWith(prefix));
  const source = renamed({ ...given, tensors: half }, (name) => PREFIX + name.slice(prefix.length));
  const vision = source.tensors;
  const plain = renamed(
    { ...source, tensors: vision.filter(({ name }) => !/\.self_attn\.[qkv]_proj\./.test(name)) },
    owlName,
    owlDims,
  );
  const fused = new Map(fusedEntries(vision).map((entry) => [entry.name, entry]));
  return {
    ...plain,
    tensors: [...plain.tensors, ...fused.values(), ...unpaired(vision)],
    read: async (name, rows) => {
      const entry = fused.get(name);
      const whole = entry === undefined ? await plain.read(name) : await readFused(source, entry, heads);
      return rowsOf(whole, rows);
    },
  };
}

const fusedName = (query: string): string => query.replace(".q_proj.", ".query_key_value.");
const partsOf = (fused: string): string[] =>
  ["q", "k", "v"].map((part) => fused.replace(".query_key_value.", `.${part}_proj.`));

function fusedEntries(vision: readonly TensorEntry[]): TensorEntry[] {
  const byName = new Map(vision.map((entry) => [entry.name, entry]));
  return vision.flatMap(({ name, dims, type }): TensorEntry[] => {
    if (!/\.self_attn\.q_proj\./.test(name)) return [];
    const parts = partsOf(fusedName(name)).map((part) => byName.get(part));
    if (parts.some((part) => part?.dims.join() !== dims.join())) return [];
    return [{ name: fusedName(name), dims: [3 * dims[0], ...dims.slice(1)], type }];
  });
}

/** Projections without their two fellows, left as they are: whoever compares with a model finds them unexpected. */
function unpaired(vision: readonly TensorEntry[]): TensorEntry[] {
  const used = new Set(fusedEntries(vision).flatMap(({ name }) => partsOf(name)));
  return vision.filter(({ name }) => /\.self_attn\.[qkv]_proj\./.test(name) && !used.has(name));
}

async function readFused(
  source: TensorSource,
  { name, dims }: TensorEntry,
  heads: number,
): Promise<HostTensor> {
  const fused = allocate("float32", dims);
  // A head's rows of one projection lie together in both layouts.
  const block = fused.data.length / (3 * heads);
  for (const [part, from] of partsOf(name).entries()) {
    const { data } = await source.read(from);
    for (let head = 0; head < heads; head++) {
      const rows = (data as Float32Array).subarray(head * block, (head + 1) * block);
      fused.data.set(rows, (3 * head + part) * block);
    }
  }
  return fused;
}
