import { quantizedOperands } from "../operators/quantized.ts";
import { checkedIndex, entry, type Float64Tensor, sumOver, tabulate } from "./float64-tensor.ts";
import type { Reference } from "./reference.ts";

/** Entry i of numbers of 4 or 8 bits that lie packed in bytes, the earlier one in the lower half. */
function unpacked(bytes: Float64Array, bits: number, i: number): number {
  if (bits === 8) return bytes[i];
  return (bytes[i >> 1] >> (i % 2 === 0 ? 0 : 4)) & 15;
}

interface Parts {
  readonly packed: Float64Tensor;
  readonly scales: Float64Tensor;
  readonly zeroPoints: Float64Tensor | undefined;
}

/** Number `k` of a row: scale · (q − zero point) of its block. */
function weightAt(parts: Parts, bits: number, blockSize: number, row: number, k: number): number {
  const { packed, scales, zeroPoints } = parts;
  const [, blocks] = scales.dims;
  const block = Math.floor(k / blockSize);
  const q = unpacked(packed.data, bits, row * blocks * blockSize + k);
  // Every row of zero points begins with a byte of its own.
  const zeroPoint = zeroPoints
    ? unpacked(zeroPoints.data, bits, (row * zeroPoints.dims[1] * 8) / bits + block)
    : 2 ** (bits - 1);
  return scales.data[row * blocks + block] * (q - zeroPoint);
}

/** Activations as they are: kernels that round them come near this, and no nearer. */
export const quantizedLinear: Reference<"quantizedLinear"> = (node, operands) => {
  const { bits, blockSize } = node.attributes;
  const { x, bias, ...parts } = quantizedOperands(node, operands);
  const width = x.dims.at(-1)!;
  return [
    tabulate([...x.dims.slice(0, -1), parts.packed.dims[0]], (at) => {
      const outer = at.slice(0, -1);
      const row = at[at.length - 1];
      const term = (k: number): number => entry(x, [...outer, k]) * weightAt(parts, bits, blockSize, row, k);
      return sumOver(width, term) + (bias ? bias.data[row] : 0);
    }),
  ];
};

export const quantizedGather: Reference<"quantizedGather"> = (node, [packed, scales, indices]) => {
  const depth = indices.dims.length;
  const width = node.outputs[0].shape.at(-1)!.size!;
  const parts = { packed, scales, zeroPoints: undefined };
  return [
    tabulate([...indices.dims, width], (at) => {
      const row = checkedIndex("quantizedGather", entry(indices, at.slice(0, depth)), packed.dims[0]);
      return weightAt(parts, 8, node.attributes.blockSize, row, at[depth]);
    }),
  ];
};

/** Activations as they are: kernels that round them come near this, and no nearer. The sums of the weight's rows are not needed. */
export const rowQuantizedLinear: Reference<"rowQuantizedLinear"> = (_, [x, packed, scales, , bias]) => {
  const [width, rows] = packed.dims;
  return [
    tabulate([...x.dims.slice(0, -1), rows], (at) => {
      const outer = at.slice(0, -1);
      const row = at[at.length - 1];
      const term = (k: number): number => entry(x, [...outer, k]) * packed.data[k * rows + row];
      return scales.data[row] * sumOver(width, term) + (bias ? bias.data[row] : 0);
    }),
  ];
};

export const rowQuantizedGather: Reference<"rowQuantizedGather"> = (_, [packed, scales, indices]) => {
  const [width, rows] = packed.dims;
  const depth = indices.dims.length;
  return [
    tabulate([...indices.dims, width], (at) => {
      const row = checkedIndex("rowQuantizedGather", entry(indices, at.slice(0, depth)), rows);
      return scales.data[row] * packed.data[at[depth] * rows + row];
    }),
  ];
};
