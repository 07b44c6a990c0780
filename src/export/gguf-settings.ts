import {
  type Architecture,
  architectureFor,
  type GemmaRules,
  gemmaQueryScalar,
  type WrittenValue,
} from "../gguf/index.ts";
import { familyOf, type LanguageConfig, type RotaryDecoderConfig } from "../model/index.ts";

/** A language model's settings as a GGUF file has them. */
export interface GgufSettings {
  /** `general.architecture`. */
  readonly architecture: string;
  readonly rules: Architecture;
  /** Keys after the architecture's name. */
  readonly entries: ReadonlyMap<string, WrittenValue>;
  /** Tensors of divisors of the rotary frequencies, by their names in the file. */
  readonly factors: ReadonlyMap<string, readonly number[]>;
}

/** Is told what llama.cpp cannot compute. */
type Report = (problem: string) => void;

/**
 * The settings of a language model for llama.cpp.
 *
 * @param report is told everything of it that llama.cpp does not compute
 */
export function ggufSettings(config: LanguageConfig, report: Report): GgufSettings | undefined {
  const found = architectureFor(config.family);
  if (found === undefined || !("ropeTheta" in config)) {
    report(`${familyOf(config).title}: must be a family that is written as GGUF`);
    return undefined;
  }
  const [architecture, rules] = found;
  if (config.modalityAdaptive) report("the layers: must be the same for text and pictures, got two of each");
  if (config.hyper)
    report("the layers: must see nothing but the text, got some that look at pictures beside it");
  reportLimits(config, rules, report);
  const { entries, factors } = ropeSettings(config, rules, report);
  return {
    architecture,
    rules,
    entries: new Map([...sizes(config), ...(own[architecture]?.(config) ?? []), ...entries]),
    factors,
  };
}

const uint32 = (value: number): WrittenValue => ({ type: "uint32", value });
const float32 = (value: number): WrittenValue => ({ type: "float32", value });
const text = (value: string): WrittenValue => ({ type: "string", value });

type Entries = readonly (readonly [string, WrittenValue])[];

function sizes(config: RotaryDecoderConfig): Entries {
  return [
    ["context_length", uint32(config.maxPositions)],
    ["embedding_length", uint32(config.hidden)],
    ["block_count", uint32(config.layers)],
    ["feed_forward_length", uint32(config.intermediate)],
    ["attention.head_count", uint32(config.heads)],
    ["attention.head_count_kv", uint32(config.keyValueHeads)],
    ["attention.key_length", uint32(config.headDim)],
    ["attention.value_length", uint32(config.headDim)],
    ["attention.layer_norm_rms_epsilon", float32(config.epsilon)],
    ["vocab_size", uint32(config.vocabulary)],
    ["rope.dimension_count", uint32(config.rotaryDim ?? config.headDim)],
    ["rope.freq_base", float32(config.ropeTheta)],
  ];
}

const own: Readonly<Record<string, (config: RotaryDecoderConfig) => Entries>> = {
  gemma2: ({ window, scoreCap, logitCap }) => [
    ["attention.sliding_window", uint32(window?.size ?? 0)],
    ["attn_logit_softcapping", float32(scoreCap ?? 0)],
    ["final_logit_softcapping", float32(logitCap ?? 0)],
  ],
  gemma3: ({ window, windowRotary }) => [
    ["attention.sliding_window", uint32(window?.size ?? 0)],
    ...(windowRotary ? [["rope.freq_base_swa", float32(windowRotary.ropeTheta)] as const] : []),
  ],
  granite: ({ headDim, ...config }) => [
    ["attention.scale", float32(config.attentionMultiplier ?? headDim ** -0.5)],
    ["embedding_scale", float32(config.embeddingMultiplier ?? 1)],
    ["residual_scale", float32(config.residualMultiplier ?? 1)],
    ["logit_scale", float32(config.logitsScaling ?? 1)],
  ],
};

/** Reports what the file would say otherwise than it is, or not at all. */
function reportLimits(config: RotaryDecoderConfig, rules: Architecture, report: Report): void {
  const activation = config.activation ?? "silu";
  const wanted = rules.gemma ? "gelu_pytorch_tanh" : "silu";
  if (activation !== wanted) report(`the activation: must be ${wanted}, got ${activation}`);
  if (config.attentionBias && !rules.attentionBias) {
    report("attention_bias: must be false in this family, got true");
  }
  const { heads, headDim, hidden } = config;
  if (rules.headsFillHidden && heads * headDim !== hidden) {
    report(`head_dim: must be ${hidden} by ${heads} heads in this family, got ${headDim}`);
  }
  if (rules.gemma) reportGemma(config, rules.gemma, report);
  else reportLayers(config, rules, report);
}

/** Layers with a window, and without positions. */
function reportLayers(config: RotaryDecoderConfig, rules: Architecture, report: Report): void {
  const { window, maxPositions, layers } = config;
  if (window !== undefined && window.size < maxPositions) {
    report(`sliding_window: must be at least the ${maxPositions} positions, got ${window.size}`);
  }
  if (!rules.everyFourthWithoutRope) return;
  const everyFourth = Array.from({ length: layers }, (_, i) => (i + 1) % 4 !== 0);
  if (everyFourth.some((has, i) => (config.rotaryLayers?.[i] ?? true) !== has)) {
    report("no_rope_layers: must leave out the positions of every fourth layer");
  }
}

/** Of a Gemma llama.cpp takes for granted which layers have a window, and what scores are multiplied by. */
function reportGemma(config: RotaryDecoderConfig, rules: GemmaRules, report: Report): void {
  const { layers, headDim, window, windowRotary } = config;
  const slides = Array.from({ length: layers }, (_, i) => i % rules.period < rules.period - 1);
  if (slides.some((has, i) => (window?.layers[i] ?? false) !== has)) {
    report(`layer_types: must have a window in all layers but one of ${rules.period}`);
  }
  const scalar = gemmaQueryScalar(config, rules);
  if ((config.queryScalar ?? headDim) !== scalar) {
    report(`query_pre_attn_scalar: must be ${scalar}, got ${config.queryScalar}`);
  }
  // Those without norms of queries and keys cap scores and logits, the others have a second set of angles.
  if (windowRotary === undefined) {
    if (!config.scoreCap) report("attn_logit_softcapping: must be a number, got none");
    if (!config.logitCap) report("final_logit_softcapping: must be a number, got none");
    if (!config.tiedEmbeddings) report("tie_word_embeddings: must be true in this family, got false");
  } else {
    if (config.logitCap) report(`final_logit_softcapping: must be null, got ${config.logitCap}`);
    if (windowRotary.ropeScaling) report("the angles of layers with a window: must not be scaled");
  }
}

type Rope = Pick<GgufSettings, "factors"> & { readonly entries: Entries };

function ropeSettings(config: RotaryDecoderConfig, rules: Architecture, report: Report): Rope {
  const { ropeScaling: scaling, ropeTheta, headDim } = config;
  const none = new Map<string, readonly number[]>();
  if (scaling === undefined) return { entries: [], factors: none };
  const takesFactors = rules.ropeFactors === true;
  const original = "originalPositions" in scaling ? scaling.originalPositions : config.maxPositions;
  const originalLength = ["rope.scaling.original_context_length", uint32(original)] as const;
  switch (scaling.kind) {
    case "linear":
      return {
        entries: [
          ["rope.scaling.type", text("linear")],
          ["rope.scaling.factor", float32(scaling.factor)],
        ],
        factors: none,
      };
    case "yarn": {
      const usual = scaling.factor <= 1 ? 1 : 0.1 * Math.log(scaling.factor) + 1;
      if (Math.abs(scaling.attentionFactor - usual) > 1e-6 || !scaling.truncate) {
        report("rope_scaling: must have yarn's usual attention_factor and truncate");
      }
      return {
        entries: [
          ["rope.scaling.type", text("yarn")],
          ["rope.scaling.factor", float32(scaling.factor)],
          originalLength,
          ["rope.scaling.yarn_beta_fast", float32(scaling.betaFast)],
          ["rope.scaling.yarn_beta_slow", float32(scaling.betaSlow)],
        ],
        factors: none,
      };
    }
    case "llama3":
      if (!takesFactors) report("rope_scaling: must not be llama3 in this family");
      return {
        entries: [],
        factors: new Map([["rope_freqs.weight", llama3Factors(ropeTheta, headDim, scaling)]]),
      };
    case "longrope": {
      const { shortFactors, longFactors, attentionFactor } = scaling;
      const areSame = longFactors.every((one, i) => one === shortFactors[i]) && attentionFactor === 1;
      if (takesFactors && areSame)
        return { entries: [], factors: new Map([["rope_freqs.weight", longFactors]]) };
      if (!rules.longRope) report("rope_scaling: must not be longrope in this family");
      return {
        entries: [originalLength, ["rope.scaling.attn_factor", float32(attentionFactor)]],
        factors: new Map([
          ["rope_factors_long.weight", longFactors],
          ["rope_factors_short.weight", shortFactors],
        ]),
      };
    }
    case "dynamic":
      report("rope_scaling: must not be dynamic, which llama.cpp does not know");
      return { entries: [], factors: none };
  }
}

type Llama3 = Extract<NonNullable<RotaryDecoderConfig["ropeScaling"]>, { kind: "llama3" }>;

/** What Llama 3.1's scaling divides each frequency by. */
function llama3Factors(base: number, headDim: number, scaling: Llama3): number[] {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  return Array.from({ length: headDim / 2 }, (_, k) => {
    const waves = originalPositions / (2 * Math.PI * base ** ((2 * k) / headDim));
    if (waves < low) return factor;
    if (waves > high) return 1;
    const share = (waves - low) / (high - low);
    return 1 / ((1 - share) / factor + share);
  });
}
