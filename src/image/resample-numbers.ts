import type { Taps } from "./resize.ts";

/** Numbers on a grid, row by row, `channels` of them at each place. */
export interface NumberGrid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly data: Float32Array;
}

/** Resamples a grid: columns first, then rows, rounded to float32 after each, as PyTorch does. */
export function resampleGrid(grid: NumberGrid, across: Taps | undefined, down: Taps | undefined): NumberGrid {
  const { rows, channels } = grid;
  const wide = across
    ? { ...grid, columns: across.first.length, data: alongAxis(grid.data, across, rows, channels) }
    : grid;
  if (down === undefined) return wide;
  const data = alongAxis(wide.data, down, 1, wide.columns * channels);
  return { ...wide, rows: down.first.length, data };
}

/** Resamples the middle axis of [outer, axis, inner]. */
function alongAxis(
  source: Float32Array,
  { first, count, weights, stride }: Taps,
  outer: number,
  inner: number,
): Float32Array {
  const outputs = first.length;
  const result = new Float32Array(outer * outputs * inner);
  const inputs = source.length / outer;
  for (let o = 0; o < outer; o++) {
    for (let out = 0; out < outputs; out++) {
      const begin = o * inputs + first[out] * inner;
      const target = (o * outputs + out) * inner;
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        for (let tap = 0; tap < count[out]; tap++) {
          sum += source[begin + tap * inner + i] * weights[out * stride + tap];
        }
        result[target + i] = sum;
      }
    }
  }
  return result;
}

// PyTorch's cubic without antialiasing: Keys' family with a = -0.75.
const CUBIC_A = -0.75;

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
  return x < 2 ? CUBIC_A * (((x - 5) * x + 8) * x - 4) : 0;
}

/**
 * The taps of PyTorch's bicubic interpolation without antialiasing (`align_corners=False`): four neighbours of every
 * position, those beyond the border being the border's.
 */
export function plainCubicTaps(from: number, to: number): Taps {
  const scale = from / to;
  const stride = Math.min(from, 4);
  const first = new Int32Array(to);
  const weights = new Float64Array(to * stride);
  for (let out = 0; out < to; out++) {
    const position = (out + 0.5) * scale - 0.5;
    const below = Math.floor(position);
    first[out] = Math.max(0, Math.min(below - 1, from - stride));
    for (let neighbour = below - 1; neighbour <= below + 2; neighbour++) {
      const place = Math.min(Math.max(neighbour, 0), from - 1) - first[out];
      weights[out * stride + place] += cubic(position - neighbour);
    }
  }
  return { first, count: new Int32Array(to).fill(stride), weights, stride };
}
