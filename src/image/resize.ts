/** A picture as 8-bit RGB, row by row. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** `height × width × 3` bytes. */
  readonly data: Uint8Array;
}

/** Pixels of any number of 8-bit channels, row by row, channels interleaved. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** For each output position along one axis: where its inputs begin, how many there are, and their weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` weights an output position. */
  readonly weights: Float64Array;
  readonly stride: number;
}

// The reference's cubic: Keys' family with a = -0.5, two pixels to each side.
const CUBIC_A = -0.5;
const CUBIC_SUPPORT = 2;

// Weights are fixed-point numbers with this many fractional bits: 32 less 8 for the pixel, less 2 for overshoot.
const PRECISION_BITS = 22;

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * CUBIC_A;
  return 0;
}

/** Where the image shrinks, the filter widens by the same factor, so that every input pixel counts. */
function cubicTaps(from: number, to: number): Taps {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const support = CUBIC_SUPPORT * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const taps = {
    first: new Int32Array(to),
    count: new Int32Array(to),
    weights: new Float64Array(to * stride),
    stride,
  };
  for (let out = 0; out < to; out++) {
    const center = (out + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), from) - first;
    const weights = taps.weights.subarray(out * stride, out * stride + count);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      // Multiplying by the reciprocal, as the reference does, differs from dividing in the last bit.
      weights[i] = cubic((i + first - center + 0.5) * (1 / widening));
      sum += weights[i];
    }
    if (sum !== 0) for (let i = 0; i < count; i++) weights[i] /= sum;
    taps.first[out] = first;
    taps.count[out] = count;
  }
  return taps;
}

function fixedPoint(weights: Float64Array): Int32Array {
  return Int32Array.from(weights, (w) => Math.trunc((w < 0 ? -0.5 : 0.5) + w * 2 ** PRECISION_BITS));
}

/**
 * Bicubic resize, bit for bit as Pillow does it for 8-bit channels: two passes (rows first) with 8-bit rounding
 * between them, fixed-point weights, antialiased where it shrinks. Every channel on its own. A sliver that
 * shrinks in height has its columns done first (Pillow since 12.2), which rounds otherwise.
 */
export function resizeRaster(image: Raster, width: number, height: number): Raster {
  const { channels } = image;
  if (isSliver(image) && height < image.height && width !== image.width) {
    return resizeRaster(resizeRaster(image, image.width, height), width, height);
  }
  let data: Uint8Array = image.data.slice();
  if (width !== image.width) data = resampleAxis(data, cubicTaps(image.width, width), image.height, channels);
  if (height !== image.height)
    data = resampleAxis(data, cubicTaps(image.height, height), 1, width * channels);
  return { width, height, channels, data };
}

function isSliver({ width, height }: { width: number; height: number }): boolean {
  return height > width * 100;
}

/** Resizes to `width × height` by bicubic interpolation, bit for bit as Pillow does; the aspect is not kept. */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  const { data } = resizeRaster({ ...image, channels: 3 }, width, height);
  return { width, height, data };
}

/** Resamples the middle axis of `[outer, axis, inner]`. */
function resampleAxis(source: Uint8Array, taps: Taps, outer: number, inner: number): Uint8Array {
  const { first, count, stride } = taps;
  const weights = fixedPoint(taps.weights);
  const result = new Uint8ClampedArray(outer * first.length * inner);
  const inputs = source.length / outer;
  let target = 0;
  for (let o = 0; o < outer; o++) {
    for (let out = 0; out < first.length; out++) {
      const begin = o * inputs + first[out] * inner;
      const taken = count[out];
      for (let i = 0; i < inner; i++) {
        let sum = 1 << (PRECISION_BITS - 1);
        let position = begin + i;
        for (let tap = out * stride; tap < out * stride + taken; tap++, position += inner) {
          // Kept a 32-bit integer, which it never exceeds: twice as fast.
          sum = (sum + Math.imul(source[position], weights[tap])) | 0;
        }
        result[target++] = sum >> PRECISION_BITS;
      }
    }
  }
  return new Uint8Array(result.buffer);
}

/** Nearest-neighbour resize as Pillow does it; it takes this for palette and bilevel pictures, whatever is asked. */
export function resizeNearest(image: Raster, width: number, height: number): Raster {
  const { channels } = image;
  const columns = nearestPositions(image.width, width);
  const rows = nearestPositions(image.height, height);
  const data = new Uint8Array(width * height * channels);
  let target = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * image.width + column) * channels;
      for (let channel = 0; channel < channels; channel++) data[target++] = image.data[from + channel];
    }
  }
  return { width, height, channels, data };
}

function nearestPositions(from: number, to: number): number[] {
  const step = from / to;
  const positions: number[] = [];
  // Added up, as the reference does: multiplying would round differently.
  for (let at = step * 0.5; positions.length < to; at += step)
    positions.push(Math.min(Math.trunc(at), from - 1));
  return positions;
}

/** Bicubic resize of one 16-bit channel as Pillow 12 does it: weights in float64, 16-bit rounding between passes. */
export function resizeGray16(
  source: Uint16Array,
  from: { width: number; height: number },
  to: { width: number; height: number },
): Uint16Array {
  const across = cubicTaps(from.width, to.width);
  const down = cubicTaps(from.height, to.height);
  if (isSliver(from) && to.height < from.height) {
    return resampleAxis16(resampleAxis16(source, down, 1, from.width), across, to.height, 1);
  }
  return resampleAxis16(resampleAxis16(source, across, from.height, 1), down, 1, to.width);
}

function resampleAxis16(source: Uint16Array, taps: Taps, outer: number, inner: number): Uint16Array {
  const { first, count, weights, stride } = taps;
  const result = new Uint16Array(outer * first.length * inner);
  const inputs = source.length / outer;
  for (let target = 0; target < result.length; target++) {
    const out = Math.floor(target / inner) % first.length;
    const begin = Math.floor(target / inner / first.length) * inputs + (target % inner);
    let sum = 0;
    for (let tap = 0; tap < count[out]; tap++) {
      sum += source[begin + (first[out] + tap) * inner] * weights[out * stride + tap];
    }
    result[target] = clamped16(Math.round(sum));
  }
  return result;
}

// The reference clamps the two bytes apart, so that an overshoot keeps its own lower byte.
function clamped16(value: number): number {
  if (value < 0) return 0;
  return Math.min(value >> 8, 255) * 256 + (value & 255);
}
