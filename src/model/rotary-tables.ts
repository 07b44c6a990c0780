import { constant, float32, type Tensor } from "../tensor/index.ts";
import type { LlamaConfig, RopeScaling } from "./language-config.ts";

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
  config: LlamaConfig,
  positions: number,
  width = config.headDim / 2,
): RotaryTables {
  const cos = new Float32Array(positions * width).fill(1);
  const sin = new Float32Array(positions * width);
  for (const [i, frequency] of rotaryFrequencies(config).entries()) {
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
export function rotaryFrequencies(config: LlamaConfig): number[] {
  const { headDim, ropeTheta, ropeScaling } = config;
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
