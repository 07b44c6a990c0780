import { constant, float32, type Tensor } from "../../tensor/index.ts";

/**
 * The slope of each head's bias (ALiBi, arXiv 2108.12409 §3): a geometric sequence for powers of two; other numbers of heads take every other slope of twice the power below. Rounded to float32 where the
 * reference rounds.
 */
export function alibiSlopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const slopes = geometric(power, power, 1);
  return [...slopes, ...geometric(2 * power, heads - power, 2)];
}

/** `count` powers of the slope that belongs to `heads` heads: exponents 1, 1 + step, … */
function geometric(heads: number, count: number, step: number): number[] {
  const base = Math.fround(2 ** -(8 / heads));
  return Array.from({ length: count }, (_, i) => Math.fround(base ** (1 + step * i)));
}

/** The slopes as a constant [heads]. */
export function slopeTable(heads: number): Tensor {
  return constant(float32(alibiSlopes(heads), [heads]), ["heads"]);
}

/**
 * What is added to the scores: slope · the key's position, [1, heads, 1, tokens]. A softmax sees differences only,
 * so the query's position need not be taken off.
 */
export function alibiBias(heads: number, tokens: number): Tensor {
  const values = alibiSlopes(heads).flatMap((slope) =>
    Array.from({ length: tokens }, (_, position) => slope * position),
  );
  return constant(float32(values, [1, heads, 1, tokens]), ["one", "heads", "single", "tokens"]);
}
