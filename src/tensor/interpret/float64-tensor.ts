import type { HostTensor } from "../host-tensor.ts";

/** A tensor of the interpreter: every element type as float64 (whole numbers exact up to 2⁵³). */
export interface Float64Tensor {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** A value fed to the interpreter: a host tensor, or an array with its sizes. */
export type TensorLike = HostTensor | { readonly dims: readonly number[]; readonly data: ArrayLike<number> };

/** A tensor in float64; float64 data is taken as it is, without a copy. */
export function toFloat64({ dims, data }: TensorLike): Float64Tensor {
  if (data instanceof Float64Array) return { dims, data };
  if (data instanceof BigInt64Array) return { dims, data: Float64Array.from(data, Number) };
  return { dims, data: Float64Array.from(data) };
}

/** Calls `visit` with every coordinate of a tensor of these sizes, in row-major order; the array is reused. */
export function eachCoordinate(dims: readonly number[], visit: (at: readonly number[]) => void): void {
  const at = dims.map(() => 0);
  if (dims.includes(0)) return;
  for (;;) {
    visit(at);
    let axis = dims.length - 1;
    while (axis >= 0 && at[axis] === dims[axis] - 1) at[axis--] = 0;
    if (axis < 0) return;
    at[axis]++;
  }
}

/** The tensor whose entry at each coordinate is `valueAt` of it. */
export function tabulate(dims: readonly number[], valueAt: (at: readonly number[]) => number): Float64Tensor {
  const data = new Float64Array(dims.reduce((count, size) => count * size, 1));
  let next = 0;
  eachCoordinate(dims, (at) => {
    data[next++] = valueAt(at);
  });
  return { dims, data };
}

/** Where the entry at these coordinates lies in x's data; x broadcasts from the right, as in NumPy. */
export function offsetOf(x: Float64Tensor, at: readonly number[]): number {
  const skipped = at.length - x.dims.length;
  let offset = 0;
  for (const [axis, size] of x.dims.entries()) {
    offset = offset * size + (size === 1 ? 0 : at[skipped + axis]);
  }
  return offset;
}

/** The entry of x at these coordinates; x broadcasts from the right, as in NumPy. */
export function entry(x: Float64Tensor, at: readonly number[]): number {
  return x.data[offsetOf(x, at)];
}

/** term(0) + term(1) + … of `count` terms. */
export function sumOver(count: number, term: (index: number) => number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += term(index);
  return sum;
}

/** Replaces every row (along the last axis) by a function of it. */
export function mapRows(
  x: Float64Tensor,
  ofRow: (row: Float64Array, index: number) => ArrayLike<number>,
): Float64Tensor {
  const width = x.dims.at(-1) ?? 1;
  const data = new Float64Array(x.data.length);
  for (let start = 0; start < data.length; start += width) {
    data.set(ofRow(x.data.subarray(start, start + width), start / width), start);
  }
  return { dims: x.dims, data };
}

/** One number for every row (along the last axis), which stays as an axis of size 1. */
export function reduceRows(x: Float64Tensor, ofRow: (row: Float64Array) => number): Float64Tensor {
  const width = x.dims.at(-1) ?? 1;
  const data = new Float64Array(x.data.length / width);
  for (let row = 0; row < data.length; row++) {
    data[row] = ofRow(x.data.subarray(row * width, (row + 1) * width));
  }
  return { dims: [...x.dims.slice(0, -1), 1], data };
}

/** An index that must lie in 0 ≤ index < size. */
export function checkedIndex(where: string, index: number, size: number): number {
  if (!(index >= 0 && index < size)) {
    throw new RangeError(`${where}: an index lies in 0..${size - 1}, got ${index}`);
  }
  return index;
}
