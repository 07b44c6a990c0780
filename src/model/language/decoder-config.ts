import { z } from "zod";
import type { ActivationName } from "../activations.ts";
import { activationNames } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { initializerRange, type OnProblem, parsed, requireMultiple } from "../config-reading.ts";
import type { DecoderConfig } from "./family.ts";
import type { HyperSettings } from "./hyper-settings.ts";
import type { RotarySettings } from "./rotary.ts";
import { type RotaryRules, readRotary, rotaryJson as writtenRotary } from "./rotary-config.ts";
import { commonJson, specialId, specialIdsOf } from "./special-ids.ts";

/** The families of {@link RotaryDecoderConfig}, by `model_type`. */
export type RotaryFamilyName =
  | "llama"
  | "qwen2"
  | "qwen3"
  | "smollm3"
  | "mistral"
  | "gemma2"
  | "gemma3_text"
  | "phi3"
  | "olmo2"
  | "granite";

/**
 * A decoder with RMS normalisation, rotary positions and a gated MLP (LLaMA, arXiv 2302.13971, and its kin). What is
 * optional is switched off where it is absent; what a family always has is in its `DecoderStructure`.
 */
export interface RotaryDecoderConfig extends DecoderConfig, RotarySettings {
  readonly family: RotaryFamilyName;
  readonly headDim: number;
  /** Biases on queries, keys, values and on the attention's output. */
  readonly attentionBias?: true;
  /** Biases in the MLP. */
  readonly mlpBias?: true;
  /** Inside the MLP; absent: SiLU. */
  readonly activation?: ActivationName;
  /** Layers in which a token sees itself and `size − 1` tokens before it; absent: all see everything before. */
  readonly window?: { readonly size: number; readonly layers: readonly boolean[] };
  /** The angles of layers with a window, where they have their own. */
  readonly windowRotary?: RotarySettings;
  /** Which layers have positions; absent: all. */
  readonly rotaryLayers?: readonly boolean[];
  /** Scores are multiplied by this number's −½th power; absent: by the head size's. */
  readonly queryScalar?: number;
  /** Scores are multiplied by this number, in place of any power. */
  readonly attentionMultiplier?: number;
  /** Scores are capped softly at this number. */
  readonly scoreCap?: number;
  /** Logits are capped softly at this number. */
  readonly logitCap?: number;
  /** What comes into the first layer is multiplied by this number, pictures too. */
  readonly embeddingMultiplier?: number;
  /** What attention and MLP add is multiplied by this number. */
  readonly residualMultiplier?: number;
  /** Logits are divided by this number. */
  readonly logitsScaling?: number;
  /**
   * Whether pictures' tokens have keys, values and norms of their own (arXiv 2311.04257 §3.2); what they share with the
   * text's are queries, the attention's output and the MLP.
   */
  readonly modalityAdaptive?: true;
  /** Layers that look at pictures beside the text (arXiv 2408.04840); absent: none. */
  readonly hyper?: HyperSettings;
}

/** What a config has beside the sizes that all families have. */
export type DecoderSettings = Omit<Partial<RotaryDecoderConfig>, keyof DecoderConfig | keyof RotarySettings>;

/** What config.json means where it says nothing: the values of the published configuration class. */
export interface DecoderDefaults {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  /** Absent: as many as there are heads. Where the key is null it is that in any case. */
  readonly num_key_value_heads?: number;
  /** Absent: the hidden size by the number of heads. */
  readonly head_dim?: number;
  readonly intermediate_size: number;
  readonly vocab_size: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly max_position_embeddings: number;
  readonly tie_word_embeddings: boolean;
  /** Ids of special tokens; −1: there is none. */
  readonly bos: number;
  readonly eos: number;
  readonly pad: number;
}

/** The keys of config.json that several families read alike, as schemas for their own keys. */
export const keys = {
  bias: z.boolean().default(false),
  activation: z.enum(activationNames).default("silu"),
  window: upTo("size").nullish(),
  multiplier: z.number().default(1),
  cap: z.number().positive().nullish(),
  /** `true` and `false` are written so, and as 1 and 0. */
  switches: z.array(z.union([z.boolean(), z.literal([0, 1])])).nullish(),
  layerTypes: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
} as const;

/** Sizes that every decoder's config.json has, by a family's defaults. */
const sizesSchema = (defaults: DecoderDefaults) =>
  z.object({
    hidden_size: upTo("hidden").default(defaults.hidden_size),
    num_hidden_layers: upTo("layers").default(defaults.num_hidden_layers),
    num_attention_heads: upTo("heads").default(defaults.num_attention_heads),
    num_key_value_heads: upTo("heads").nullish(),
    head_dim: upTo("headDim").nullish(),
    intermediate_size: upTo("size").default(defaults.intermediate_size),
    vocab_size: upTo("size").default(defaults.vocab_size),
    rms_norm_eps: z.number().positive().default(defaults.rms_norm_eps),
    quantization_config: z.null().optional(),
    max_position_embeddings: upTo("positions").default(defaults.max_position_embeddings),
    tie_word_embeddings: z.boolean().default(defaults.tie_word_embeddings),
    bos_token_id: specialId,
    eos_token_id: specialId,
    pad_token_id: specialId,
    initializer_range: initializerRange,
  });

type Sizes = z.infer<ReturnType<typeof sizesSchema>>;

/** How a family's sizes and rotary settings are read. */
export interface DecoderReading {
  readonly name: RotaryFamilyName;
  readonly defaults: DecoderDefaults;
  readonly rotary: Partial<RotaryRules>;
  /** What the rotary settings are read from. */
  readonly rotaryJson: Record<string, unknown>;
}

/**
 * Reads what every decoder has.
 *
 * @returns undefined where a size is no size; problems may be reported beside a result, too
 */
export function readDecoder(
  json: Record<string, unknown>,
  onProblem: OnProblem,
  { name, defaults, rotary, rotaryJson }: DecoderReading,
): RotaryDecoderConfig | undefined {
  const sizes = parsed(sizesSchema(defaults), json, onProblem);
  const headDim = sizes && headDimOf(sizes, defaults);
  const angles = readRotary(rotaryJson, onProblem, {
    theta: defaults.rope_theta,
    maxPositions: sizes?.max_position_embeddings ?? defaults.max_position_embeddings,
    headDim: headDim ?? 2,
    ...rotary,
  });
  if (sizes === undefined || headDim === undefined) return undefined;
  const heads = sizes.num_attention_heads;
  const given = json.num_key_value_heads;
  const keyValueHeads =
    sizes.num_key_value_heads ?? (given === undefined ? defaults.num_key_value_heads : heads) ?? heads;
  requireMultiple(onProblem, "num_attention_heads", heads, "num_key_value_heads", keyValueHeads);
  if (angles.rotaryDim === undefined) {
    requireMultiple(onProblem, "head_dim", headDim, "two, for the rotary embedding", 2);
  }
  const unfit = upTo("headDim").safeParse(headDim).error;
  if (unfit) onProblem("head_dim", `${unfit.issues[0].message}, got ${headDim}`);
  return {
    family: name,
    hidden: sizes.hidden_size,
    layers: sizes.num_hidden_layers,
    heads,
    keyValueHeads,
    headDim,
    intermediate: sizes.intermediate_size,
    vocabulary: sizes.vocab_size,
    epsilon: sizes.rms_norm_eps,
    ...angles,
    maxPositions: longestOf(sizes.max_position_embeddings, angles.ropeScaling),
    tiedEmbeddings: sizes.tie_word_embeddings,
    ...specialIdsOf(sizes, defaults),
    initializerRange: sizes.initializer_range,
  };
}

/** Dynamic scaling is there for sequences longer than config.json says. */
function longestOf(positions: number, scaling: RotarySettings["ropeScaling"]): number {
  return scaling?.kind === "dynamic" ? Math.floor(positions * Math.max(1, scaling.factor)) : positions;
}

function headDimOf(sizes: Sizes, { head_dim }: DecoderDefaults): number {
  return sizes.head_dim ?? head_dim ?? Math.floor(sizes.hidden_size / sizes.num_attention_heads);
}

/**
 * Which layers have a window: as `layer_types` says, else as the family does.
 *
 * @returns nothing where none has one
 */
export function readWindow(
  { size, layerTypes }: { size: number | null | undefined; layerTypes: readonly string[] | null | undefined },
  layers: number,
  onProblem: OnProblem,
  slides: (layer: number) => boolean,
): Pick<RotaryDecoderConfig, "window"> {
  requireLength("layer_types", layerTypes, layers, onProblem);
  const which = Array.from({ length: layers }, (_, i) =>
    layerTypes == null ? slides(i) : layerTypes[i] === "sliding_attention",
  );
  if (!which.includes(true)) return {};
  if (size == null) onProblem("sliding_window", `must be a number where layers have a window, got ${size}`);
  return { window: { size: size ?? 1, layers: which } };
}

/** Reports a list of layers' settings that is not as long as there are layers. */
export function requireLength(
  key: string,
  list: readonly unknown[] | null | undefined,
  layers: number,
  onProblem: OnProblem,
): void {
  if (list != null && list.length !== layers) {
    onProblem(key, `must name each of the ${layers} layers, got ${list.length}`);
  }
}

/** The key and value, unless it is the one that is absent in a config. */
export function unless<K extends string, V>(
  key: K,
  value: V | null | undefined,
  otherwise: V,
): { readonly [P in K]?: V } {
  return value == null || value === otherwise ? {} : ({ [key]: value } as { [P in K]: V });
}

/**
 * The published form of a config. Keys that a family does not read are written only where the config has them.
 *
 * @param activationKey the family's key of the activation
 */
export function decoderJson(
  config: RotaryDecoderConfig,
  architecture: string,
  activationKey: string,
): Record<string, unknown> {
  const { window, rotaryLayers } = config;
  const written = {
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
    ...(window && {
      use_sliding_window: true,
      sliding_window: window.size,
      layer_types: window.layers.map((slides) => (slides ? "sliding_attention" : "full_attention")),
    }),
    no_rope_layers: rotaryLayers?.map(Number),
    query_pre_attn_scalar: config.queryScalar,
    attn_logit_softcapping: config.scoreCap,
    final_logit_softcapping: config.logitCap,
    embedding_multiplier: config.embeddingMultiplier,
    attention_multiplier: config.attentionMultiplier,
    residual_multiplier: config.residualMultiplier,
    logits_scaling: config.logitsScaling,
  };
  return {
    architectures: [architecture],
    model_type: config.family,
    hidden_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headDim,
    intermediate_size: config.intermediate,
    vocab_size: config.vocabulary,
    [activationKey]: config.activation ?? "silu",
    rms_norm_eps: config.epsilon,
    ...writtenRotary(config),
    max_position_embeddings:
      config.ropeScaling?.kind === "dynamic" ? config.ropeScaling.originalPositions : config.maxPositions,
    ...commonJson(config),
    ...Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined)),
  };
}
