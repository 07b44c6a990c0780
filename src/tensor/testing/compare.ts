import type { Float64Tensor, TensorLike } from "../index.ts";

/**
 * Fails unless the two hold the same numbers, to `tolerance` times the largest expected magnitude (at least 1).
 */
export function requireClose(
  what: string,
  got: TensorLike,
  expected: Float64Tensor,
  tolerance: number,
): void {
  if (got.dims.length !== expected.dims.length || got.dims.some((size, i) => size !== expected.dims[i])) {
    throw new Error(`${what}: sizes are [${expected.dims}], got [${got.dims}]`);
  }
  const scale = expected.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  for (const [i, value] of expected.data.entries()) {
    const error = Math.abs(Number(got.data[i]) - value) / scale;
    // Written so that NaN fails too.
    if (!(error <= tolerance)) {
      throw new Error(
        `${what}: number ${i} of [${expected.dims}] is ${value}, got ${got.data[i]} (error ${error.toExponential(1)}, allowed ${tolerance})`,
      );
    }
  }
}
