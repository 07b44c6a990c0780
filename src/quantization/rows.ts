import type { QuantizedFormat } from "../tensor/index.ts";
import { type QuantizedBlocks, type QuantizedRows, quantizeRows } from "./blocks.ts";

/** The parts of a weight [rows, width] as `RowQuantizedWeight` lays them out. */
export interface TransposedRows extends Pick<QuantizedRows, "scales" | "squaredError" | "squaredSum"> {
  readonly packed: Int8Array;
  readonly sums: Float32Array;
}

/** The zero point of unsigned bytes. */
const MIDDLE = 128;

/** A square of so many rows and columns is transposed at once, so that neither side leaves the cache. */
const TILE = 64;

/**
 * Quantises a weight of one scale a row, whole: its rows become columns.
 *
 * @throws RangeError where a number is not finite
 */
export function quantizeTransposed(values: Float32Array, width: number): TransposedRows {
  const format: QuantizedFormat = { bits: 8, blockSize: width, zeroPoints: false, activations: "int8" };
  const { packed: bytes, scales, squaredError, squaredSum } = quantizeRows(values, width, format);
  const packed = new Int8Array(bytes.length);
  const whole = new Int32Array(scales.length);
  eachNumber(scales.length, width, (row, column) => {
    const q = bytes[row * width + column] - MIDDLE;
    packed[column * scales.length + row] = q;
    whole[row] += q;
  });
  return { packed, scales, sums: Float32Array.from(whole), squaredError, squaredSum };
}

/** The same weight with its rows one after the other, each one block. */
export function rowsAsBlocks(packed: Int8Array, scales: Float32Array): QuantizedBlocks {
  const width = packed.length / scales.length;
  const bytes = new Uint8Array(packed.length);
  eachNumber(scales.length, width, (row, column) => {
    bytes[row * width + column] = packed[column * scales.length + row] + MIDDLE;
  });
  const zeroPoints = new Uint8Array(scales.length).fill(MIDDLE);
  return { bits: 8, blockSize: width, packed: bytes, scales, zeroPoints };
}

function eachNumber(rows: number, width: number, visit: (row: number, column: number) => void): void {
  for (let fromRow = 0; fromRow < rows; fromRow += TILE) {
    const toRow = Math.min(fromRow + TILE, rows);
    for (let from = 0; from < width; from += TILE) {
      const to = Math.min(from + TILE, width);
      for (let row = fromRow; row < toRow; row++) {
        for (let column = from; column < to; column++) visit(row, column);
      }
    }
  }
}
