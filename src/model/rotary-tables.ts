import { constant, float32, type Tensor } from "../tensor/index.ts";
import type { LanguageConfig } from "./config.ts";

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
  config: LanguageConfig,
  positions: number,
  width = config.headDim / 2,
): RotaryTables {
  const half = config.headDim / 2;
  const cos = new Float32Array(positions * width).fill(1);
  const sin = new Float32Array(positions * width);
  for (let i = 0; i < half; i++) {
    const exponent = Math.fround((2 * i) / config.headDim);
    const inverse = Math.fround(1 / Math.fround(config.ropeTheta ** exponent));
    for (let position = 0; position < positions; position++) {
      const angle = Math.fround(position * inverse);
      cos[position * width + i] = Math.cos(angle);
      sin[position * width + i] = Math.sin(angle);
    }
  }
  const table = (values: Float32Array): Tensor =>
    constant(float32(values, [positions, width]), ["positions", "halfHeadDim"]);
  return { cos: table(cos), sin: table(sin) };
}
