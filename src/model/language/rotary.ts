import { constant, float32, type Tensor } from "../../tensor/index.ts";

/** How rotary angles are stretched for sequences longer than those a model first learned with. */
export type RopeScaling =
  /** Every angle divided by `factor` (position interpolation, arXiv 2306.15595). */
  | { readonly kind: "linear"; readonly factor: number }
  /**
   * LLaMA 3.1's: waves longer than `originalPositions` / `lowFrequencyFactor` are divided by `factor`, those
   * shorter than `originalPositions` / `highFrequencyFactor` stay, and between them one passes into the other.
   */
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

/** What rotary angles are computed from. */
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
 * @param width angles a position; those beyond headDim / 2 do not turn
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

/** Angles a position turns by, headDim / 2 of them, from fast to slow. */
export function rotaryFrequencies(settings: RotarySettings): number[] {
  const { headDim, ropeTheta, ropeScaling } = settings;
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const exponent = Math.fround((2 * i) / headDim);
    const frequency = Math.fround(1 / Math.fround(ropeTheta ** exponent));
    return ropeScaling === undefined ? frequency : stretched(frequency, ropeScaling);
  });
}

function stretched(frequency: number, scaling: RopeScaling): number {
  const slow = Math.fround(frequency / scaling.factor);
  if (scaling.kind === "linear") return slow;
  const { lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  // How often a wave fits into the sequences the model first learned with.
  const waves = Math.fround(originalPositions / Math.fround((2 * Math.PI) / frequency));
  if (waves < low) return slow;
  if (waves > high) return frequency;
  const share = Math.fround((waves - low) / (high - low));
  return Math.fround((1 - share) * slow + share * frequency);
}
