import { z } from "zod";
import { upTo } from "../config-limits.ts";
import { type OnProblem, parsed } from "../config-reading.ts";
import type { RopeScaling, RotarySettings } from "./rotary.ts";

const number = z.number().positive();
const scalings = {
  linear: z.object({ factor: number }),
  llama3: z.object({
    factor: number,
    low_freq_factor: number,
    high_freq_factor: number,
    original_max_position_embeddings: upTo("size"),
  }),
} as const;

/**
 * The rotary settings in each of their published spellings: `rope_theta` beside `rope_scaling` (its kind under
 * `type` or `rope_type`), or both in `rope_parameters`.
 */
export function readRotary(
  json: Record<string, unknown>,
  onProblem: OnProblem,
): Omit<RotarySettings, "headDim"> {
  const [key, settings] =
    json.rope_parameters == null
      ? (["rope_scaling", json.rope_scaling ?? {}] as const)
      : (["rope_parameters", json.rope_parameters] as const);
  if (json.rope_parameters != null && json.rope_scaling != null) {
    onProblem("rope_scaling", "must be absent where rope_parameters says the same, got both");
  }
  const result = z.record(z.string(), z.unknown()).safeParse(settings);
  if (!result.success) {
    onProblem(key, `must be an object or null, got ${JSON.stringify(settings)}`);
    return { ropeTheta: 10000 };
  }
  const { rope_theta: theta = json.rope_theta ?? 10000, partial_rotary_factor: part = 1 } = result.data;
  if (typeof theta !== "number" || theta <= 0)
    onProblem(`${key}.rope_theta`, `must be positive, got ${JSON.stringify(theta)}`);
  if (part !== 1) onProblem(`${key}.partial_rotary_factor`, `must be 1, got ${JSON.stringify(part)}`);
  const ropeScaling = readScaling(result.data, (inner, problem) => onProblem(`${key}.${inner}`, problem));
  return { ropeTheta: Number(theta), ...(ropeScaling && { ropeScaling }) };
}

function readScaling(settings: Record<string, unknown>, onProblem: OnProblem): RopeScaling | undefined {
  const spelling = settings.rope_type === undefined ? "type" : "rope_type";
  const kind = settings[spelling] ?? (Object.keys(settings).includes("factor") ? undefined : "default");
  if (kind === "default") return undefined;
  if (kind === "linear") {
    const values = parsed(scalings.linear, settings, onProblem);
    return values && { kind, factor: values.factor };
  }
  if (kind !== "llama3") {
    onProblem(spelling, `must be "default", "linear" or "llama3", got ${JSON.stringify(kind)}`);
    return undefined;
  }
  const values = parsed(scalings.llama3, settings, onProblem);
  if (values && values.high_freq_factor <= values.low_freq_factor) {
    onProblem("high_freq_factor", `must exceed low_freq_factor, got ${values.high_freq_factor}`);
  }
  return (
    values && {
      kind,
      factor: values.factor,
      lowFrequencyFactor: values.low_freq_factor,
      highFrequencyFactor: values.high_freq_factor,
      originalPositions: values.original_max_position_embeddings,
    }
  );
}

/** The keys that {@link readRotary} reads. */
export function rotaryJson({ ropeTheta, ropeScaling }: RotarySettings): Record<string, unknown> {
  return { rope_theta: ropeTheta, ...(ropeScaling && { rope_scaling: scalingJson(ropeScaling) }) };
}

function scalingJson(scaling: RopeScaling): Record<string, unknown> {
  // Releases before the other spelling know linear scaling only by this one.
  if (scaling.kind === "linear") return { type: "linear", factor: scaling.factor };
  return {
    rope_type: "llama3",
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalPositions,
  };
}
