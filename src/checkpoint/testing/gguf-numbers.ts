import { ggmlTypes } from "../../gguf/index.ts";
import type { BlockType } from "../gguf-blocks.ts";

/** The whole number q at a place of a block, bit by bit as ggml's `dequantize_row` functions find it. */
type NumberAt = (block: Uint8Array, i: number) => number;

const half = (byte: number, isUpper: boolean): number => (isUpper ? byte >> 4 : byte & 15);
const bit = (bytes: Uint8Array, i: number): number => (bytes[i >> 3] >> (i & 7)) & 1;

/** 32 numbers in 16 bytes. */
const of16 =
  (offset: number): NumberAt =>
  (block, i) =>
    half(block[offset + (i % 16)], i >= 16);

/** 64 numbers in each 32 bytes. */
const of32 =
  (offset: number): NumberAt =>
  (block, i) =>
    half(block[offset + 32 * Math.floor(i / 64) + (i % 32)], i % 64 >= 32);

const numbers: Readonly<Record<BlockType, NumberAt>> = {
  Q4_0: (block, i) => of16(2)(block, i) - 8,
  Q4_1: of16(4),
  Q5_0: (block, i) => of16(6)(block, i) + 16 * bit(block.subarray(2), i) - 16,
  Q5_1: (block, i) => of16(8)(block, i) + 16 * bit(block.subarray(4), i),
  Q8_0: (block, i) => (block[2 + i] << 24) >> 24,
  Q4_K: of32(16),
  Q5_K: (block, i) => of32(48)(block, i) + 16 * ((block[16 + (i % 32)] >> Math.floor(i / 32)) & 1),
  Q6_K: (block, i) => {
    const [part, quarter, at] = [Math.floor(i / 128), Math.floor((i % 128) / 32), i % 32];
    const low = half(block[64 * part + 32 * (quarter % 2) + at], quarter >= 2);
    return low + 16 * ((block[128 + 32 * part + at] >> (2 * quarter)) & 3) - 32;
  },
};

/** The whole numbers of blocks, one by one. */
export function numbersOneByOne(type: BlockType, bytes: Uint8Array): Int16Array {
  const { numbers: count, bytes: size } = ggmlTypes[type];
  return Int16Array.from({ length: (bytes.length / size) * count }, (_, i) => {
    const at = size * Math.floor(i / count);
    return numbers[type](bytes.subarray(at, at + size), i % count);
  });
}
