import { constant, float32, type HostTensor, type Tensor } from "../../tensor/index.ts";

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
    }
  /**
   * YaRN (arXiv 2309.00071): frequencies that turn more than `betaFast` times in `originalPositions` stay, those that turn
   * less than `betaSlow` times are divided by `factor`, with a ramp between them; cosines and sines are multiplied by
   * `attentionFactor`.
   */
  | {
      readonly kind: "yarn";
      readonly factor: number;
      readonly originalPositions: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Whether the ends of the ramp are rounded to whole frequencies. */
      readonly truncate: boolean;
      readonly attentionFactor: number;
    }
  /**
   * LongRoPE (arXiv 2402.13753): each frequency has a divisor of its own, from `shortFactors` for sequences of up to
   * `originalPositions`, from `longFactors` for longer ones, for all their positions; cosines and sines are multiplied by
   * `attentionFactor`.
   */
  | {
      readonly kind: "longrope";
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
      readonly originalPositions: number;
      readonly attentionFactor: number;
    }
  /** A base that grows with sequences longer than `originalPositions`, for all their positions. */
  | { readonly kind: "dynamic"; readonly factor: number; readonly originalPositions: number };

/** What rotary frequencies are computed from. */
export interface RotarySettings {
  readonly headDim: number;
  /** Base of the angles. */
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
  /** How many numbers of a head are turned, from its first on (an odd one of them takes the next along); absent: all. */
  readonly rotaryDim?: number;
}

/** Cosines and sines of every position's angles, each [positions, width]. */
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** The size that exponents are counted in. */
const dimensions = ({ rotaryDim, headDim }: RotarySettings): number => rotaryDim ?? headDim;

/** How many numbers of a head are turned: pairs. */
export const turnedWidth = (settings: RotarySettings): number => 2 * Math.ceil(dimensions(settings) / 2);

/** How far the tables of angles reach, and for what. */
export interface TableSizes {
  readonly positions: number;
  /** The length of the whole sequence, which the frequencies of some scalings depend on; default 0. */
  readonly length?: number;
  /** Angles a position, of which those beyond the turned ones are zero; default: as many as are turned. */
  readonly width?: number;
}

/** The rotary embedding's tables as constants; see {@link rotaryAngles}. */
export function rotaryTables(settings: RotarySettings, sizes: TableSizes): RotaryTables {
  const { cos, sin } = rotaryAngles(settings, sizes);
  const names = ["positions", "halfHeadDim"];
  return { cos: constant(cos, names), sin: constant(sin, names) };
}

/**
 * Cosines and sines of every position's angles, [positions, width] each. Angles are rounded to float32 where the reference
 * rounds them: published weights learned with those, and far positions differ noticeably from exact ones.
 */
export function rotaryAngles(
  settings: RotarySettings,
  { positions, length = 0, width = turnedWidth(settings) / 2 }: TableSizes,
): { readonly cos: HostTensor; readonly sin: HostTensor } {
  const cos = new Float32Array(positions * width).fill(1);
  const sin = new Float32Array(positions * width);
  const factor = attentionFactor(settings);
  for (const [i, frequency] of rotaryFrequencies(settings, length).entries()) {
    for (let position = 0; position < positions; position++) {
      const angle = Math.fround(position * frequency);
      cos[position * width + i] = Math.cos(angle) * factor;
      sin[position * width + i] = Math.sin(angle) * factor;
    }
  }
  return { cos: float32(cos, [positions, width]), sin: float32(sin, [positions, width]) };
}

/** Whether frequencies depend on the length of the whole sequence. */
export function dependsOnLength({ ropeScaling }: RotarySettings): boolean {
  return ropeScaling?.kind === "longrope" || ropeScaling?.kind === "dynamic";
}

/**
 * Of sequences with equal results the frequencies are equal: the length that they may be computed for in place of `length`;
 * 0 for all that the first training knew.
 */
export function frequencyLength(settings: RotarySettings, length: number): number {
  const { ropeScaling: scaling } = settings;
  if (scaling?.kind !== "longrope" && scaling?.kind !== "dynamic") return 0;
  if (length <= scaling.originalPositions) return 0;
  return scaling.kind === "longrope" ? scaling.originalPositions + 1 : length;
}

function attentionFactor({ ropeScaling }: RotarySettings): number {
  return ropeScaling !== undefined && "attentionFactor" in ropeScaling ? ropeScaling.attentionFactor : 1;
}

/**
 * The rotary frequencies, half as many as there are turned numbers, from high to low.
 *
 * @param length of the whole sequence
 */
export function rotaryFrequencies(settings: RotarySettings, length = 0): number[] {
  const { ropeScaling } = settings;
  const powers = basePowers(dimensions(settings), baseOf(settings, length));
  const plain = (): number[] => powers.map((power) => Math.fround(1 / power));
  if (ropeScaling === undefined) return plain();
  switch (ropeScaling.kind) {
    case "dynamic":
      return plain();
    case "yarn":
      return yarnFrequencies(powers, settings.ropeTheta, ropeScaling);
    case "longrope": {
      const { shortFactors, longFactors, originalPositions } = ropeScaling;
      const divisors = length > originalPositions ? longFactors : shortFactors;
      return powers.map((power, i) => Math.fround(1 / Math.fround(Math.fround(divisors[i]) * power)));
    }
    default:
      return plain().map((frequency) => scaledFrequency(frequency, ropeScaling));
  }
}

/** base^(2k / width) for k = 0 … width / 2 − 1. */
function basePowers(width: number, base: number): number[] {
  return Array.from({ length: Math.ceil(width / 2) }, (_, k) =>
    Math.fround(base ** Math.fround((2 * k) / width)),
  );
}

function baseOf(settings: RotarySettings, length: number): number {
  const { ropeTheta, ropeScaling } = settings;
  if (ropeScaling?.kind !== "dynamic") return ropeTheta;
  const { factor, originalPositions } = ropeScaling;
  const width = dimensions(settings);
  const longest = Math.max(length, originalPositions);
  return ropeTheta * ((factor * longest) / originalPositions - (factor - 1)) ** (width / (width - 2));
}

function scaledFrequency(
  frequency: number,
  scaling: Extract<RopeScaling, { kind: "linear" | "llama3" }>,
): number {
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

function yarnFrequencies(
  powers: readonly number[],
  base: number,
  { factor, originalPositions, betaFast, betaSlow, truncate }: Extract<RopeScaling, { kind: "yarn" }>,
): number[] {
  const width = 2 * powers.length;
  // The (fractional) index of the frequency that turns so many times in the first training's sequences.
  const indexOf = (turns: number): number =>
    (width * Math.log(originalPositions / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const [from, to] = [indexOf(betaFast), indexOf(betaSlow)];
  const low = Math.max(truncate ? Math.floor(from) : from, 0);
  const end = Math.min(truncate ? Math.ceil(to) : to, width - 1);
  const high = end === low ? end + 0.001 : end;
  return powers.map((power, k) => {
    const ramp = Math.min(1, Math.max(0, (k - low) / (high - low)));
    return Math.fround(ramp / (factor * power) + (1 - ramp) / power);
  });
}
