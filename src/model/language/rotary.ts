import { constant, float32, type Tensor } from "../../tensor/index.ts";

/** How rotary frequencies are scaled for sequences longer than those of a model's first training. */
export type RopeScaling =
  /** Every frequency divided by `factor` (position interpolation, arXiv 2306.15595). */
  | { readonly kind: "linear"; readonly factor: number }
  /**
   * LLaMA 3.1's: frequencies of wavelengths above `originalPositions` / `lowFrequencyFactor` are divided by `factor`, those
   * of wavelengths below `originalPositions` / `highFrequencyFactor` stay, and between them the two are interpolated.
   */
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

/** What rotary frequencies are computed from. */
export interface RotarySettings {
  readonly headDim: number;
  /** Base of the angles. */
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
}

/** Cosines and sines of every position's angles, each [positions, width]. */
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/**
 * The rotary embedding's tables as constants. Angles are rounded to float32 where the reference rounds them:
 * published weights learned with those, and far positions differ noticeably from exact ones.
 *
 * @param width angles a position; those beyond headDim / 2 are zero
 */
export function rotaryTables(
  settings: RotarySettings,
  positions: number,
  width = settings.headDim / 2,
): RotaryTables {
  const cos = new Float32Array(positions * width).fill(1);
  const sin = new Float32Array(positions * width);
  for (const [i, frequency] of rotaryFrequencies(settings).entries()) {
    for (let position = 0; position < positions; position++) {
      const angle = Math.fround(position * frequency);
      cos[position * width + i] = Math.cos(angle);
      sin[position * width + i] = Math.sin(angle);
    }
  }
  const table = (values: Float32Array): Tensor =>
    constant(float32(values, [positions, width]), ["positions", "halfHeadDim"]);
  return { cos: table(cos), sin: table(sin) };
}

/** The rotary frequencies, headDim / 2 of them, from high to low. */
export function rotaryFrequencies(settings: RotarySettings): number[] {
  const { headDim, ropeTheta, ropeScaling } = settings;
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const exponent = Math.fround((2 * i) / headDim);
    const frequency = Math.fround(1 / Math.fround(ropeTheta ** exponent));
    return ropeScaling === undefined ? frequency : scaledFrequency(frequency, ropeScaling);
  });
}

function scaledFrequency(frequency: number, scaling: RopeScaling): number {
  const slow = Math.fround(frequency / scaling.factor);
  if (scaling.kind === "linear") return slow;
  const { lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  // How many wavelengths fit into the sequences of the first training.
  const waves = Math.fround(originalPositions / Math.fround((2 * Math.PI) / frequency));
  if (waves < low) return slow;
  if (waves > high) return frequency;
  const share = Math.fround((waves - low) / (high - low));
  return Math.fround((1 - share) * slow + share * frequency);
}
