import type { QuantizedFormat } from "../tensor/index.ts";

/** The parts of a quantised weight [rows, width] as `QuantizedWeight` lays them out. */
export interface PackedRows {
  readonly packed: Uint8Array;
  readonly scales: Float32Array;
  /** Empty where the format has none. */
  readonly zeroPoints: Uint8Array;
  /** Σ (kept − given)² and Σ given² over all numbers. */
  readonly squaredError: number;
  readonly squaredSum: number;
}

/** Sizes of the parts a row takes. */
export function packedRowSizes(
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
 * How much of a block's range its grid spans: with few steps, cutting the outermost numbers a little costs less
 * than spacing all others wider. The best of these is taken, block by block.
 */
const spans: Readonly<Record<number, readonly number[]>> = { 4: [1, 0.92, 0.84], 8: [1] };

/**
 * A weight's rows in blocks of few bits; see `QuantizedWeight`. Each block's scale (and zero point) is that of a few
 * candidates with the least squared error. A last block that is not full is filled with zeros.
 *
 * @throws RangeError where a number is not finite
 */
export function packRows(values: Float32Array, width: number, format: QuantizedFormat): PackedRows {
  const { bits, blockSize } = format;
  const rows = values.length / width;
  const sizes = packedRowSizes(width, format);
  const packed = new Uint8Array(rows * sizes.packed);
  const scales = new Float32Array(rows * sizes.blocks);
  const zeroPoints = new Uint8Array(rows * sizes.zeroPoints);
  const numbers = new Uint8Array(blockSize);
  let squaredError = 0;
  let squaredSum = 0;
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < sizes.blocks; block++) {
      const begin = row * width + block * blockSize;
      const end = Math.min(begin + blockSize, (row + 1) * width);
      const grid = bestGrid(values, begin, end, format);
      squaredError += roundToGrid(values, begin, end, grid, 2 ** bits - 1, numbers);
      squaredSum += squares(values, begin, end);
      scales[row * sizes.blocks + block] = grid.scale;
      if (format.zeroPoints) putNumber(zeroPoints, row * sizes.zeroPoints, block, grid.zero, bits);
      putNumbers(packed, row * sizes.packed + (block * blockSize * bits) / 8, numbers, bits);
    }
  }
  return { packed, scales, zeroPoints, squaredError, squaredSum };
}

function squares(values: Float32Array, begin: number, end: number): number {
  let sum = 0;
  for (let i = begin; i < end; i++) sum += values[i] * values[i];
  return sum;
}

function bestGrid(values: Float32Array, begin: number, end: number, format: QuantizedFormat): Grid {
  let least = 0;
  let largest = 0;
  for (let i = begin; i < end; i++) {
    const value = values[i];
    if (value < least) least = value;
    else if (value > largest) largest = value;
    else if (Number.isNaN(value)) return notFinite();
  }
  if (!Number.isFinite(largest - least)) return notFinite();
  const top = 2 ** format.bits - 1;
  let best: Grid = { scale: 0, zero: (top + 1) / 2 };
  let leastError = Number.POSITIVE_INFINITY;
  for (const span of spans[format.bits]) {
    const grid = gridOver(least * span, largest * span, top, format.zeroPoints);
    if (span === 1 && spans[format.bits].length === 1) return grid;
    const error = errorOnGrid(values, begin, end, grid, top);
    if (error < leastError) [best, leastError] = [grid, error];
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

/** Adding and taking away this rounds to the nearest whole number: it leaves a double no bits for a fraction. */
const rounder = 1.5 * 2 ** 52;

/** What {@link roundToGrid} returns, without the numbers: most of a conversion's time is spent here. */
function errorOnGrid(values: Float32Array, begin: number, end: number, grid: Grid, top: number): number {
  const { scale, zero } = grid;
  const inverse = scale === 0 ? 0 : 1 / scale;
  const [lowest, highest] = [-zero, top - zero];
  let error = 0;
  for (let i = begin; i < end; i++) {
    const value = values[i];
    let step = value * inverse + rounder - rounder;
    if (step < lowest) step = lowest;
    else if (step > highest) step = highest;
    const difference = step * scale - value;
    error += difference * difference;
  }
  return error;
}

/** Rounds a block to its grid and returns the squared error. */
function roundToGrid(
  values: Float32Array,
  begin: number,
  end: number,
  { scale, zero }: Grid,
  top: number,
  numbers: Uint8Array,
): number {
  const inverse = scale === 0 ? 0 : 1 / scale;
  let error = 0;
  for (let i = begin; i < end; i++) {
    let q = values[i] * inverse + rounder - rounder + zero;
    if (q < 0) q = 0;
    else if (q > top) q = top;
    const difference = (q - zero) * scale - values[i];
    error += difference * difference;
    numbers[i - begin] = q;
  }
  numbers.fill(zero, end - begin);
  return error;
}

function putNumbers(packed: Uint8Array, at: number, numbers: Uint8Array, bits: number): void {
  if (bits === 8) packed.set(numbers, at);
  else for (let i = 0; i < numbers.length; i += 2) packed[at + (i >> 1)] = numbers[i] | (numbers[i + 1] << 4);
}

function putNumber(bytes: Uint8Array, at: number, index: number, value: number, bits: number): void {
  if (bits === 8) bytes[at + index] = value;
  else bytes[at + (index >> 1)] |= value << (index % 2 === 0 ? 0 : 4);
}

/** The numbers that packed rows stand for: what the model computes with. */
export function unpackRows(
  { packed, scales, zeroPoints }: Pick<PackedRows, "packed" | "scales" | "zeroPoints">,
  width: number,
  format: QuantizedFormat,
): Float32Array {
  const { bits, blockSize } = format;
  const sizes = packedRowSizes(width, format);
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
