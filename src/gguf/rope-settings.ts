import type { Architecture } from "./architectures.ts";
import type { ModelKeys } from "./model-keys.ts";

/** The numbers of the tensors that frequencies are divided by. */
export interface RopeFactors {
  readonly freqs?: readonly number[] | undefined;
  readonly long?: readonly number[] | undefined;
  readonly short?: readonly number[] | undefined;
}

/** The keys of rotary positions. */
export const ropeKeys = [
  "rope.freq_base",
  "rope.dimension_count",
  "rope.scale_linear",
  "rope.scaling.type",
  "rope.scaling.factor",
  "rope.scaling.original_context_length",
  "rope.scaling.attn_factor",
  "rope.scaling.finetuned",
  "rope.scaling.yarn_beta_fast",
  "rope.scaling.yarn_beta_slow",
];

interface RopeSizes {
  readonly headDim: number;
  readonly positions: number;
  readonly rules: Architecture;
}

/** The keys of config.json for rotary positions. */
export function readRope(
  keys: ModelKeys,
  { headDim, positions, rules }: RopeSizes,
  factors: RopeFactors,
): Record<string, unknown> {
  const isPartial = rules.longRope === true;
  const turned = keys.number("rope.dimension_count") ?? headDim;
  if (turned !== headDim && !isPartial) {
    keys.onProblem(keys.full("rope.dimension_count"), `must be the head's ${headDim}, got ${turned}`);
  }
  if (keys.flag("rope.scaling.finetuned") === false && rules.finetunedIsRope) {
    keys.onProblem(
      keys.full("rope.scaling.finetuned"),
      "must be true: without positions it is another model",
    );
  }
  const original = keys.number("rope.scaling.original_context_length");
  return {
    rope_theta: keys.number("rope.freq_base") ?? keys.number("rope.global.freq_base") ?? 10000,
    // A half more than the quotient: rounded down it gives the number of turned ones again, whatever its last bit.
    ...(isPartial && turned < headDim && { partial_rotary_factor: (turned + 0.5) / headDim }),
    rope_scaling: readScaling(keys, original ?? positions, factors),
    ...(isPartial && { original_max_position_embeddings: original ?? positions }),
  };
}

function readScaling(
  keys: ModelKeys,
  original: number,
  { freqs, long, short }: RopeFactors,
): Record<string, unknown> | null {
  const type = keys.text("rope.scaling.type") ?? "linear";
  const factor = keys.number("rope.scaling.factor") ?? keys.number("rope.scale_linear") ?? 0;
  const attention = keys.number("rope.scaling.attn_factor");
  const isScaled = factor !== 0 && factor !== 1;
  if (freqs !== undefined) {
    if (isScaled) {
      keys.onProblem(keys.full("rope.scaling.factor"), "must be absent where there is a tensor rope_freqs");
    }
    // Llama 3's scaling, as the divisors that follow from it.
    return { rope_type: "longrope", short_factor: freqs, long_factor: freqs, attention_factor: 1 };
  }
  if (long !== undefined || short !== undefined) {
    if (long === undefined || short === undefined) {
      keys.onProblem("rope_factors_long.weight", "must stand beside rope_factors_short.weight");
    }
    return {
      rope_type: "longrope",
      short_factor: short,
      long_factor: long,
      attention_factor: attention ?? 1,
    };
  }
  if (attention !== undefined && attention !== 1) {
    keys.onProblem(keys.full("rope.scaling.attn_factor"), `must be 1 without factors, got ${attention}`);
  }
  if (type === "none" || (type === "linear" && !isScaled)) return null;
  if (type === "linear") return { rope_type: "linear", factor };
  if (type !== "yarn" || factor === 0) {
    const got =
      type === "yarn" ? "yarn without a factor" : type === "longrope" ? "longrope without its tensors" : type;
    keys.onProblem(keys.full("rope.scaling.type"), `must be none, linear, yarn or longrope, got ${got}`);
    return null;
  }
  return {
    rope_type: "yarn",
    factor,
    original_max_position_embeddings: original,
    beta_fast: keys.number("rope.scaling.yarn_beta_fast") ?? 32,
    beta_slow: keys.number("rope.scaling.yarn_beta_slow") ?? 1,
  };
}
