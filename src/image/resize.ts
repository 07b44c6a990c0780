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

/** The filters of Pillow that weigh the pixels around a position. */
export type Filter = keyof typeof filters;

/** Positions along one axis of a result: `count` of them from `first` on. */
export interface Stretch {
  readonly first: number;
  readonly count: number;
}

/** For each output position along one axis: where its inputs begin, how many there are, and their weights. */
export interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` weights an output position. */
  readonly weights: Float64Array;
  readonly stride: number;
}

// The reference's cubic: Keys' family with a = -0.5.
const CUBIC_A = -0.5;

// Weights are fixed-point numbers with this many fractional bits: 32 less 8 for the pixel, less 2 for overshoot.
const PRECISION_BITS = 22;

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * CUBIC_A;
  return 0;
}

/** sin(πx) / πx */
function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

function hamming(distance: number): number {
  const x = Math.abs(distance);
  return x < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(x * Math.PI)) : 0;
}

/** Each filter's weight of a distance, and how many pixels it reaches to each side where nothing shrinks. */
const filters = {
  box: { support: 0.5, weight: (x: number) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x: number) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const;

/**
 * The taps of a resize along one axis. Where the image shrinks, the filter widens by the same factor, so that every
 * input pixel counts.
 *
 * @param stretch which output positions; all of them if absent
 */
export function tapsOf(
  filter: Filter,
  from: number,
  to: number,
  { first: begin, count: outputs }: Stretch = { first: 0, count: to },
): Taps {
  const { weight, support: reach } = filters[filter];
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const support = reach * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const taps = {
    first: new Int32Array(outputs),
    count: new Int32Array(outputs),
    weights: new Float64Array(outputs * stride),
    stride,
  };
  for (let out = 0; out < outputs; out++) {
    const center = (begin + out + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), from) - first;
    const weights = taps.weights.subarray(out * stride, out * stride + count);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      // Multiplying by the reciprocal, as the reference does, differs from dividing in the last bit.
      weights[i] = weight((i + first - center + 0.5) * (1 / widening));
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

/** How pixels of another size are made: by a filter, or the nearest one. */
export type Resample = Filter | "nearest";

/** What of a resized picture is made, and how. */
export interface ResizeOptions {
  /** Default bicubic. */
  readonly resample?: Resample | undefined;
  /** Which of its columns are made; all if absent. */
  readonly columns?: Stretch;
  /** Which of its rows are made; all if absent. */
  readonly rows?: Stretch;
}

/**
 * Resize bit for bit as Pillow does it for 8-bit channels: two passes (rows first) with 8-bit rounding
 * between them, fixed-point weights, antialiased where it shrinks. Every channel on its own. A sliver that
 * shrinks in height has its columns done first (Pillow since 12.2), which rounds otherwise.
 *
 * @param width of the whole result, of which the options may ask for a part
 */
export function resizeRaster(
  image: Raster,
  width: number,
  height: number,
  options: ResizeOptions = {},
): Raster {
  const { resample = "bicubic", columns, rows } = options;
  if (resample === "nearest") return resizeNearest(image, width, height, options);
  const down = tapsIf(resample, image.height, height, rows);
  const needed = rows === undefined ? image : neededRows(image, down!);
  const across = tapsIf(resample, image.width, width, columns);
  const columnsFirst = isSliver(image) && height < image.height && width !== image.width;
  const made = columnsFirst
    ? resizeAxis(resizeAxis(needed, "height", down), "width", across)
    : resizeAxis(resizeAxis(needed, "width", across), "height", down);
  return made.data === image.data ? { ...made, data: image.data.slice() } : made;
}

/** The rows that taps read, which then count from the first of them: a long picture has many that they do not. */
function neededRows(image: Raster, taps: Taps): Raster {
  const first = taps.first.reduce((least, row) => Math.min(least, row), image.height);
  const end = taps.first.reduce((most, row, i) => Math.max(most, row + taps.count[i]), 0);
  for (let i = 0; i < taps.first.length; i++) taps.first[i] -= first;
  const row = image.width * image.channels;
  return { ...image, height: end - first, data: image.data.subarray(first * row, end * row) };
}

/** Undefined where every pixel stays as it is. */
function tapsIf(filter: Filter, from: number, to: number, stretch: Stretch | undefined): Taps | undefined {
  if (from === to) return stretch && copyingTaps(stretch);
  return tapsOf(filter, from, to, stretch);
}

/** Taps that take over the positions of a stretch. */
function copyingTaps({ first, count }: Stretch): Taps {
  return {
    first: Int32Array.from({ length: count }, (_, i) => first + i),
    count: new Int32Array(count).fill(1),
    weights: new Float64Array(count).fill(1),
    stride: 1,
  };
}

function resizeAxis(image: Raster, axis: "width" | "height", taps: Taps | undefined): Raster {
  if (taps === undefined) return image;
  const { channels } = image;
  const data =
    axis === "width"
      ? resampleAxis(image.data, taps, image.height, channels)
      : resampleAxis(image.data, taps, 1, image.width * channels);
  return { ...image, [axis]: taps.first.length, data };
}

function isSliver({ width, height }: { width: number; height: number }): boolean {
  return height > width * 100;
}

/** Resizes to `width × height` bit for bit as Pillow does (see {@link resizeRaster}); the aspect is not kept. */
export function resizeRgb(
  image: RgbImage,
  width: number,
  height: number,
  options: ResizeOptions = {},
): RgbImage {
  const { channels: _, ...made } = resizeRaster({ ...image, channels: 3 }, width, height, options);
  return made;
}

/** Resizes to `width × height` by bicubic interpolation, bit for bit as Pillow does; the aspect is not kept. */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  return resizeRgb(image, width, height);
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
export function resizeNearest(
  image: Raster,
  width: number,
  height: number,
  parts: Omit<ResizeOptions, "resample"> = {},
): Raster {
  const { channels } = image;
  const columns = nearestPositions(image.width, width, parts.columns);
  const rows = nearestPositions(image.height, height, parts.rows);
  const data = new Uint8Array(columns.length * rows.length * channels);
  let target = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * image.width + column) * channels;
      for (let channel = 0; channel < channels; channel++) data[target++] = image.data[from + channel];
    }
  }
  return { width: columns.length, height: rows.length, channels, data };
}

function nearestPositions(
  from: number,
  to: number,
  { first, count }: Stretch = { first: 0, count: to },
): number[] {
  const step = from / to;
  const positions: number[] = [];
  let at = step * 0.5;
  // Added up, as the reference does: multiplying would round differently.
  for (let i = 0; i < first + count; i++, at += step) {
    if (i >= first) positions.push(Math.min(Math.trunc(at), from - 1));
  }
  return positions;
}

/** Bicubic resize of one 16-bit channel as Pillow 12 does it: weights in float64, 16-bit rounding between passes. */
export function resizeGray16(
  source: Uint16Array,
  from: { width: number; height: number },
  to: { width: number; height: number },
): Uint16Array {
  const across = tapsOf("bicubic", from.width, to.width);
  const down = tapsOf("bicubic", from.height, to.height);
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
