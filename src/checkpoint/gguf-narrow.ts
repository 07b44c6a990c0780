import { type GgmlTypeName, ggmlTypes } from "../gguf/index.ts";
import { narrowFloats, narrowToHalf } from "./number-formats.ts";

/** The formats in which GGUF files are written. */
export type WrittenGgmlType = Extract<GgmlTypeName, "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0">;

/**
 * Numbers in a format of GGUF files, rounded as llama.cpp rounds them (`ggml-quants.c`).
 *
 * @returns undefined where a number does not fit: F16, also of scales, ends at 65,504
 */
export function ggmlNumbers(values: Float32Array, type: WrittenGgmlType): Uint8Array | undefined {
  if (type === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === "F16" || type === "BF16") {
    const narrow = narrowFloats(values, type);
    return narrow && new Uint8Array(narrow.buffer);
  }
  const { numbers, bytes } = ggmlTypes[type];
  const result = new Uint8Array((values.length / numbers) * bytes);
  const view = new DataView(result.buffer);
  const half = new Uint16Array(1);
  for (let from = 0, at = 0; from < values.length; from += numbers, at += bytes) {
    const block = values.subarray(from, from + numbers);
    const scale = type === "Q8_0" ? eightBits(block, result, at + 2) : fourBits(block, result, at + 2);
    narrowToHalf(Float32Array.of(scale), half);
    if ((half[0] & 0x7fff) >= 0x7c00) return undefined;
    view.setUint16(at, half[0], true);
  }
  return result;
}

/** @returns the scale */
function eightBits(block: Float32Array, into: Uint8Array, at: number): number {
  let largest = 0;
  for (const value of block) largest = Math.max(largest, Math.abs(value));
  const scale = Math.fround(largest / 127);
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  for (let i = 0; i < block.length; i++) {
    const value = Math.fround(block[i] * inverse);
    into[at + i] = Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
  }
  return scale;
}

/** @returns the scale, negative where the outermost number is positive: below the middle there is one step more */
function fourBits(block: Float32Array, into: Uint8Array, at: number): number {
  let outermost = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(outermost)) outermost = value;
  const scale = Math.fround(outermost / -8);
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  const rounded = (value: number): number =>
    Math.min(15, Math.trunc(Math.fround(Math.fround(value * inverse) + 8.5)));
  for (let i = 0; i < 16; i++) into[at + i] = rounded(block[i]) | (rounded(block[i + 16]) << 4);
  return scale;
}
