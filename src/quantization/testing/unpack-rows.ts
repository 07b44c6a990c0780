import type { QuantizedFormat } from "../../tensor/index.ts";
import { type QuantizedRows, quantizedRowSizes } from "../blocks.ts";

/** The numbers that packed rows stand for: what the model computes with. */
export function unpackRows(
  { packed, scales, zeroPoints }: Pick<QuantizedRows, "packed" | "scales" | "zeroPoints">,
  width: number,
  format: QuantizedFormat,
): Float32Array {
  const { bits, blockSize } = format;
  const sizes = quantizedRowSizes(width, format);
  const rows = scales.length / sizes.blocks;
  const values = new Float32Array(rows * width);
  const numberAt = (bytes: Uint8Array, at: number, i: number): number =>
    bits === 8 ? bytes[at + i] : (bytes[at + (i >> 1)] >> (i % 2 === 0 ? 0 : 4)) & 15;
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < width; k++) {
      const block = Math.floor(k / blockSize);
      const zero = format.zeroPoints ? numberAt(zeroPoints, row * sizes.zeroPoints, block) : 2 ** (bits - 1);
      const q = numberAt(packed, row * sizes.packed, k);
      values[row * width + k] = scales[row * sizes.blocks + block] * (q - zero);
    }
  }
  return values;
}
