import type { QuantizedFormat } from "../tensor/index.ts";

/** The parts of a quantised weight [rows, width] as `QuantizedWeight` lays them out. */
export interface QuantizedRows {
  readonly packed: Uint8Array;
  readonly scales: Float32Array;
  /** Empty where the format has none. */
  readonly zeroPoints: Uint8Array;
  /** Σ (kept − given)² and Σ given² over every eighth block. */
  readonly squaredError: number;
  readonly squaredSum: number;
}

/** Sizes of the parts a row takes. */
export function quantizedRowSizes(
  width: number,
  { bits, blockSize, zeroPoints }: QuantizedFormat,
): { readonly blocks: number; readonly packed: number; readonly zeroPoints: number } {
  const blocks = Math.ceil(width / blockSize);
  return {
    blocks,
    packed: (blocks * blockSize * bits) / 8,
    zeroPoints: zeroPoints ? Math.ceil((blocks * bits) / 8) : 0,
  };
}

/** A block's numbers are scale · (q − zero). */
interface Grid {
  readonly scale: number;
  readonly zero: number;
}

/**
 * Clipping ratios: how much of a block's range its grid may span. With 4 bits, clipping the outermost numbers a little
 * costs less than wider steps for all others; 8 bits have enough steps.
 */
const clipRatios = [1, 0.96, 0.92, 0.88, 0.84, 0.8, 0.76, 0.72];
const leastClipRatio = clipRatios[clipRatios.length - 1];

/** One block of so many is measured for the quantisation error. */
const measuredBlocks = 8;

/**
 * Quantises a weight's rows block by block; see `QuantizedWeight`. Each block's scale (and zero point) is the one of a
 * few candidates with the least expected squared error. A last block that is not full is filled with zeros.
 *
 * @throws RangeError where a number is not finite
 */
export function quantizeRows(values: Float32Array, width: number, format: QuantizedFormat): QuantizedRows {
  const { bits, blockSize } = format;
  const rows = values.length / width;
  const sizes = quantizedRowSizes(width, format);
  const packed = new Uint8Array(rows * sizes.packed);
  const scales = new Float32Array(rows * sizes.blocks);
  const zeroPoints = new Uint8Array(rows * sizes.zeroPoints);
  const numbers = new Uint8Array(blockSize);
  const tails = new Float64Array(blockSize);
  let squaredError = 0;
  let squaredSum = 0;
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < sizes.blocks; block++) {
      const begin = row * width + block * blockSize;
      const end = Math.min(begin + blockSize, (row + 1) * width);
      const grid = bestGrid(values, begin, end, format, tails);
      roundToGrid(values, begin, end, grid, 2 ** bits - 1, numbers);
      if ((row + block) % measuredBlocks === 0) {
        squaredError += squaredErrorOf(values, begin, end, grid, numbers);
        squaredSum += sumOfSquares(values, begin, end);
      }
      scales[row * sizes.blocks + block] = grid.scale;
      if (format.zeroPoints) putNumber(zeroPoints, row * sizes.zeroPoints, block, grid.zero, bits);
      putNumbers(packed, row * sizes.packed + (block * blockSize * bits) / 8, numbers, bits);
    }
  }
  return { packed, scales, zeroPoints, squaredError, squaredSum };
}

function sumOfSquares(values: Float32Array, begin: number, end: number): number {
  let sum = 0;
  for (let i = begin; i < end; i++) sum += values[i] * values[i];
  return sum;
}

/** The grid of a block. `tails` is scratch space of a block's length. */
function bestGrid(
  values: Float32Array,
  begin: number,
  end: number,
  { bits, zeroPoints }: QuantizedFormat,
  tails: Float64Array,
): Grid {
  let least = 0;
  let largest = 0;
  for (let i = begin; i < end; i++) {
    const value = values[i];
    if (value < least) least = value;
    else if (value > largest) largest = value;
    else if (Number.isNaN(value)) return notFinite();
  }
  if (!Number.isFinite(largest - least)) return notFinite();
  const top = 2 ** bits - 1;
  const ratio = bits === 8 ? 1 : bestClipRatio(values, begin, end, least, largest, tails);
  return gridOver(ratio * least, ratio * largest, top, zeroPoints);
}

/**
 * The clipping ratio with the least expected squared error: rounding to steps of `step` costs step² / 12 a number,
 * clipping costs what lies outside. Only the few numbers that some ratio clips have to be looked at again.
 */
function bestClipRatio(
  values: Float32Array,
  begin: number,
  end: number,
  least: number,
  largest: number,
  tails: Float64Array,
): number {
  const [low, high] = [leastClipRatio * least, leastClipRatio * largest];
  let count = 0;
  for (let i = begin; i < end; i++) {
    const value = values[i];
    if (value < low || value > high) tails[count++] = value;
  }
  let best = 1;
  let leastError = Number.POSITIVE_INFINITY;
  for (const ratio of clipRatios) {
    const step = (ratio * (largest - least)) / 15;
    let error = ((end - begin) * step * step) / 12;
    for (let i = 0; i < count; i++) {
      const value = tails[i];
      const over = value < 0 ? ratio * least - value : value - ratio * largest;
      if (over > 0) error += over * over;
    }
    if (error < leastError) [best, leastError] = [ratio, error];
  }
  return best;
}

function notFinite(): never {
  throw new RangeError("a weight to be quantised must hold finite numbers only, got NaN or an infinity");
}

/** The grid whose numbers 0…top span a range; zero is always on it. */
function gridOver(least: number, largest: number, top: number, ownZero: boolean): Grid {
  if (ownZero) {
    const scale = Math.fround((largest - least) / top);
    return { scale, zero: scale === 0 ? 0 : Math.min(top, Math.round(-least / scale)) };
  }
  // Below the middle there is one step more than above: the sign is chosen so that the larger side has it.
  const middle = (top + 1) / 2;
  const outermost = -least > largest ? least : largest;
  return {
    scale: Math.fround(top === 15 ? -outermost / middle : Math.abs(outermost) / (middle - 1)),
    zero: middle,
  };
}

/** Adding and subtracting this rounds to the nearest integer: a double of this size has no bits for a fraction. */
const rounder = 1.5 * 2 ** 52;

/** Rounds a block to its grid. */
function roundToGrid(
  values: Float32Array,
  begin: number,
  end: number,
  { scale, zero }: Grid,
  top: number,
  numbers: Uint8Array,
): void {
  const inverse = scale === 0 ? 0 : 1 / scale;
  const offset = rounder + zero;
  for (let i = begin; i < end; i++) {
    const q = values[i] * inverse + offset - rounder;
    numbers[i - begin] = q < 0 ? 0 : q > top ? top : q;
  }
  numbers.fill(zero, end - begin);
}

function squaredErrorOf(
  values: Float32Array,
  begin: number,
  end: number,
  { scale, zero }: Grid,
  numbers: Uint8Array,
): number {
  let sum = 0;
  for (let i = begin; i < end; i++) sum += ((numbers[i - begin] - zero) * scale - values[i]) ** 2;
  return sum;
}

function putNumbers(packed: Uint8Array, at: number, numbers: Uint8Array, bits: number): void {
  if (bits === 8) packed.set(numbers, at);
  else for (let i = 0; i < numbers.length; i += 2) packed[at + (i >> 1)] = numbers[i] | (numbers[i + 1] << 4);
}

function putNumber(bytes: Uint8Array, at: number, index: number, value: number, bits: number): void {
  if (bits === 8) bytes[at + index] = value;
  else bytes[at + (index >> 1)] |= value << (index % 2 === 0 ? 0 : 4);
}

/** A quantised weight's bytes, with a byte for each block's zero point. */
export interface QuantizedBlocks {
  readonly bits: QuantizedFormat["bits"];
  readonly blockSize: number;
  readonly packed: Uint8Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
  /** What is added to every number of a block; nothing if absent. */
  readonly offsets?: Float32Array | undefined;
}

/** The zero points of `rows` rows, a byte each: those of a format that has none are 2^(bits − 1). */
export function unpackedZeroPoints(
  rows: number,
  width: number,
  format: QuantizedFormat,
  packed: Uint8Array | undefined,
): Uint8Array {
  const { blocks, zeroPoints: rowBytes } = quantizedRowSizes(width, format);
  const { bits } = format;
  if (packed === undefined) return new Uint8Array(rows * blocks).fill(2 ** (bits - 1));
  return Uint8Array.from({ length: rows * blocks }, (_, i) =>
    numberAt(packed, Math.floor(i / blocks) * rowBytes, i % blocks, bits),
  );
}

/** The numbers of a quantised weight's rows as its kernels have them: scale · (q − zero point) + offset in single precision. */
export function dequantizeRows(
  { bits, blockSize, packed, scales, zeroPoints, offsets }: QuantizedBlocks,
  width: number,
): Float32Array {
  const blocks = Math.ceil(width / blockSize);
  const rows = scales.length / blocks;
  const values = new Float32Array(rows * width);
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / width);
    const column = i % width;
    const block = row * blocks + Math.floor(column / blockSize);
    const q = numberAt(packed, (row * blocks * blockSize * bits) / 8, column, bits);
    const value = scales[block] * (q - zeroPoints[block]);
    // Not even a zero is added where there is none: −0 stays −0.
    values[i] = offsets === undefined ? value : value + offsets[block];
  }
  return values;
}

function numberAt(bytes: Uint8Array, at: number, index: number, bits: number): number {
  if (bits === 8) return bytes[at + index];
  return (bytes[at + (index >> 1)] >> (index % 2 === 0 ? 0 : 4)) & 15;
}
