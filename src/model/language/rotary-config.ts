import { z } from "zod";
import { upTo } from "../config-limits.ts";
import { type OnProblem, parsed } from "../config-reading.ts";
import type { RopeScaling, RotarySettings } from "./rotary.ts";

const number = z.number().positive();
const factors = z.array(number);
const schemas = {
  linear: z.object({ factor: number }),
  dynamic: z.object({ factor: number }),
  llama3: z.object({ factor: number, low_freq_factor: number, high_freq_factor: number }),
  yarn: z.object({
    factor: number.nullish(),
    beta_fast: number.nullish(),
    beta_slow: number.nullish(),
    truncate: z.boolean().nullish(),
    attention_factor: number.nullish(),
    mscale: z.number().nullish(),
    mscale_all_dim: z.number().nullish(),
  }),
  longrope: z.object({
    short_factor: factors,
    long_factor: factors,
    factor: number.nullish(),
    attention_factor: number.nullish(),
  }),
} as const;

type Kind = keyof typeof schemas;

/** What a family's rotary settings are read with. */
export interface RotaryRules {
  /** The base where the file names none. */
  readonly theta: number;
  readonly maxPositions: number;
  readonly headDim: number;
  /** The length of the first training where the family has it beside the settings; it comes before what they say. */
  readonly originalPositions?: number | undefined;
  /** Whether a part of each head may be turned alone. */
  readonly partial?: boolean | undefined;
  /** Former names of kinds. */
  readonly formerKinds?: Readonly<Record<string, Kind>> | undefined;
}

type Rotary = Pick<RotarySettings, "ropeTheta" | "ropeScaling" | "rotaryDim">;

/**
 * The rotary settings in each of their published spellings: `rope_theta` beside `rope_scaling` (its kind under
 * `type` or `rope_type`), or both in `rope_parameters`.
 */
export function readRotary(json: Record<string, unknown>, onProblem: OnProblem, rules: RotaryRules): Rotary {
  const { rope_parameters: newer, rope_scaling: older } = json;
  const spellings = [
    ...(older == null ? [] : [["rope_scaling", older] as const]),
    ...(newer == null ? [] : [["rope_parameters", newer] as const]),
  ];
  const [first, second] = (spellings.length > 0 ? spellings : [["", {}] as const]).map(([key, settings]) =>
    readSettings(key, settings, json, onProblem, rules),
  );
  if (second !== undefined && JSON.stringify(first) !== JSON.stringify(second)) {
    onProblem("rope_scaling", "must be absent or say the same where there is rope_parameters, got both");
  }
  return first;
}

function readSettings(
  key: string,
  given: unknown,
  json: Record<string, unknown>,
  onProblem: OnProblem,
  rules: RotaryRules,
): Rotary {
  const { data: settings } = z.record(z.string(), z.unknown()).safeParse(given);
  if (settings === undefined) {
    onProblem(key, `must be an object or null, got ${JSON.stringify(given)}`);
    return { ropeTheta: rules.theta };
  }
  const inside: OnProblem = (inner, problem) => onProblem(`${key}.${inner}`, problem);
  for (const nested of ["full_attention", "sliding_attention"]) {
    if (settings[nested] != null) inside(nested, "must be absent: all layers have the same angles here");
  }
  const ropeTheta = readTheta(key, settings, json, onProblem, rules);
  const rotaryDim = readPart(key, settings, json, onProblem, rules);
  const ropeScaling = readScaling(settings, inside, { ...rules, headDim: rotaryDim ?? rules.headDim });
  return { ropeTheta, ...(rotaryDim !== undefined && { rotaryDim }), ...(ropeScaling && { ropeScaling }) };
}

function readTheta(
  key: string,
  settings: Record<string, unknown>,
  json: Record<string, unknown>,
  onProblem: OnProblem,
  rules: RotaryRules,
): number {
  const theta = settings.rope_theta ?? json.rope_theta ?? rules.theta;
  if (typeof theta === "number" && theta > 0) return theta;
  const where = settings.rope_theta == null ? "rope_theta" : `${key}.rope_theta`;
  onProblem(where, `must be positive, got ${JSON.stringify(theta)}`);
  return rules.theta;
}

/** How many numbers of a head are turned, where it is not all of them. */
function readPart(
  key: string,
  settings: Record<string, unknown>,
  json: Record<string, unknown>,
  onProblem: OnProblem,
  { headDim, partial = false }: RotaryRules,
): number | undefined {
  const inner = settings.partial_rotary_factor;
  const part = inner ?? json.partial_rotary_factor ?? 1;
  if (part === 1) return undefined;
  const where = inner == null ? "partial_rotary_factor" : `${key}.partial_rotary_factor`;
  const rotaryDim = Math.floor(headDim * Number(part));
  if (partial && typeof part === "number" && part < 1 && rotaryDim > 0) return rotaryDim;
  const must = partial ? "be above 0 and at most 1 and leave a number of each head" : "be 1";
  onProblem(where, `must ${must}, got ${JSON.stringify(part)}`);
  return undefined;
}

/**
 * The scaling of one dictionary of rotary settings; undefined where there is none.
 *
 * @param onProblem is told keys within the dictionary
 */
export function readScaling(
  settings: Record<string, unknown>,
  onProblem: OnProblem,
  rules: RotaryRules,
): RopeScaling | undefined {
  const spelling = settings.rope_type === undefined ? "type" : "rope_type";
  const named = settings[spelling] ?? (Object.keys(settings).includes("factor") ? undefined : "default");
  if (named === "default") return undefined;
  const name = String(named);
  const kind = rules.formerKinds?.[name] ?? name;
  if (named === undefined || !Object.hasOwn(scalings, kind)) {
    const kinds = ["default", ...Object.keys(scalings)].map((one) => JSON.stringify(one)).join(", ");
    onProblem(spelling, `must be one of ${kinds}, got ${JSON.stringify(named)}`);
    return undefined;
  }
  const original = rules.originalPositions ?? settings.original_max_position_embeddings;
  const { data: originalPositions } = upTo("size").safeParse(original ?? rules.maxPositions);
  if (originalPositions === undefined) {
    onProblem("original_max_position_embeddings", `must be a positive whole number, got ${original}`);
    return undefined;
  }
  return scalings[kind as Kind](settings, onProblem, { ...rules, originalPositions });
}

type ReadScaling = (
  settings: Record<string, unknown>,
  onProblem: OnProblem,
  rules: RotaryRules & { readonly originalPositions: number },
) => RopeScaling | undefined;

/** Defaults are those of the published code. */
const scalings: { readonly [K in Kind]: ReadScaling } = {
  linear: (settings, onProblem) => {
    const values = parsed(schemas.linear, settings, onProblem);
    return values && { kind: "linear", factor: values.factor };
  },
  dynamic: (settings, onProblem, { maxPositions }) => {
    const values = parsed(schemas.dynamic, settings, onProblem);
    return values && { kind: "dynamic", factor: values.factor, originalPositions: maxPositions };
  },
  llama3: (settings, onProblem, { originalPositions }) => {
    const values = parsed(schemas.llama3, settings, onProblem);
    if (values === undefined) return undefined;
    const { factor, low_freq_factor: lowFrequencyFactor, high_freq_factor: highFrequencyFactor } = values;
    if (highFrequencyFactor <= lowFrequencyFactor) {
      onProblem("high_freq_factor", `must exceed low_freq_factor, got ${highFrequencyFactor}`);
    }
    return { kind: "llama3", factor, lowFrequencyFactor, highFrequencyFactor, originalPositions };
  },
  yarn: (settings, onProblem, { originalPositions, maxPositions }) => {
    const values = parsed(schemas.yarn, settings, onProblem);
    if (values === undefined) return undefined;
    const factor = values.factor ?? maxPositions / originalPositions;
    return {
      kind: "yarn",
      factor,
      originalPositions,
      betaFast: values.beta_fast ?? 32,
      betaSlow: values.beta_slow ?? 1,
      truncate: values.truncate ?? true,
      attentionFactor: values.attention_factor ?? yarnAttentionFactor(factor, values),
    };
  },
  longrope: (settings, onProblem, { originalPositions, maxPositions, headDim }) => {
    const values = parsed(schemas.longrope, settings, onProblem);
    if (values === undefined) return undefined;
    const { short_factor: shortFactors, long_factor: longFactors } = values;
    for (const key of ["short_factor", "long_factor"] as const) {
      const { length } = values[key];
      if (2 * length !== headDim) {
        onProblem(
          key,
          `must have ${headDim / 2} numbers, half as many as are turned of a head, got ${length}`,
        );
      }
    }
    const factor = values.factor ?? maxPositions / originalPositions;
    const grown = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalPositions));
    const attentionFactor = values.attention_factor ?? grown;
    return { kind: "longrope", shortFactors, longFactors, originalPositions, attentionFactor };
  },
};

function yarnAttentionFactor(
  factor: number,
  {
    mscale,
    mscale_all_dim: all,
  }: { mscale?: number | null | undefined; mscale_all_dim?: number | null | undefined },
): number {
  const of = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  return mscale && all ? of(mscale) / of(all) : of(1);
}

/** The keys that {@link readRotary} reads. */
export function rotaryJson({
  ropeTheta,
  ropeScaling,
  rotaryDim,
  headDim,
}: RotarySettings): Record<string, unknown> {
  return {
    rope_theta: ropeTheta,
    ...(rotaryDim !== undefined && { partial_rotary_factor: partOf(rotaryDim, headDim) }),
    ...(ropeScaling && { rope_scaling: scalingJson(ropeScaling) }),
  };
}

/** A factor of which so many turned numbers of a head follow by rounding down, whatever the quotient's last bit. */
function partOf(rotaryDim: number, headDim: number): number {
  const part = rotaryDim / headDim;
  return Math.floor(headDim * part) === rotaryDim ? part : (rotaryDim + 0.5) / headDim;
}

/** The keys that {@link readScaling} reads. */
export function scalingJson(scaling: RopeScaling): Record<string, unknown> {
  switch (scaling.kind) {
    case "linear":
      // Releases before the other spelling know linear scaling only by this one.
      return { type: "linear", factor: scaling.factor };
    case "dynamic":
      return { rope_type: "dynamic", factor: scaling.factor };
    case "llama3":
      return {
        rope_type: "llama3",
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalPositions,
      };
    case "yarn":
      return {
        rope_type: "yarn",
        factor: scaling.factor,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        truncate: scaling.truncate,
        attention_factor: scaling.attentionFactor,
        original_max_position_embeddings: scaling.originalPositions,
      };
    case "longrope":
      return {
        rope_type: "longrope",
        short_factor: scaling.shortFactors,
        long_factor: scaling.longFactors,
        attention_factor: scaling.attentionFactor,
        original_max_position_embeddings: scaling.originalPositions,
      };
  }
}
