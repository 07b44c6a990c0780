import { type Resample, type RgbImage, resizeRgb, type Stretch } from "./resize.ts";

/** A rectangle of a picture, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

type Size = Pick<RgbImage, "width" | "height">;

/** Cuts a rectangle out. Throws RangeError where it does not lie within the picture. */
export function crop(image: RgbImage, box: Box): RgbImage {
  const { left, top, width, height } = box;
  const inside = left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height;
  if (!inside || width < 1 || height < 1) {
    throw new RangeError(
      `crop: ${width}×${height} at (${left}, ${top}) must lie within the picture, got ${image.width}×${image.height}`,
    );
  }
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, data };
}

/** Mirrors left and right. */
export function flipHorizontally(image: RgbImage): RgbImage {
  const { width, height } = image;
  const data = new Uint8Array(image.data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * 3;
      data.set(image.data.subarray(from, from + 3), (row * width + width - 1 - column) * 3);
    }
  }
  return { width, height, data };
}

/** The size of a picture that is scaled so that its shorter edge has `edge` pixels. */
export function scaledByEdge({ width, height }: Size, edge: number): Size {
  const shorter = Math.min(width, height);
  // Cut off, not rounded, as the published processors do.
  const scaled = (length: number) => (length === shorter ? edge : Math.trunc((edge * length) / shorter));
  return { width: scaled(width), height: scaled(height) };
}

/** Scales so that the shorter edge has `size` pixels, then cuts a square out of the middle (as the video version was trained). */
export function resizeAndCenterCrop(image: RgbImage, size: number): RgbImage {
  return resizeAndCut(image, scaledByEdge(image, size), size);
}

/**
 * Resizes a picture, then cuts a square of `size` out of the middle; where the resized picture is smaller, it is black
 * around it. Only the pixels that are kept are computed.
 */
export function resizeAndCut(image: RgbImage, to: Size, size: number, resample?: Resample): RgbImage {
  const across = middleOf(to.width, size);
  const down = middleOf(to.height, size);
  const parts = { columns: across.kept, rows: down.kept };
  const kept = resizeRgb(image, to.width, to.height, { ...parts, ...(resample && { resample }) });
  if (kept.width === size && kept.height === size) return kept;
  const data = new Uint8Array(size * size * 3);
  for (let row = 0; row < kept.height; row++) {
    const from = row * kept.width * 3;
    const place = ((down.at + row) * size + across.at) * 3;
    data.set(kept.data.subarray(from, from + kept.width * 3), place);
  }
  return { width: size, height: size, data };
}

/** Which of so many positions lie in the middle `size`, and where there the first of them lies. */
export function middleOf(length: number, size: number): { readonly kept: Stretch; readonly at: number } {
  const start = Math.floor((length - size) / 2);
  const first = Math.max(0, start);
  return { kept: { first, count: Math.min(length, start + size) - first }, at: Math.max(0, -start) };
}

export interface CropOptions {
  /** Fraction of the picture's area that is kept, from and to (default 0.5 to 1: stage 1 of the paper). */
  scale?: readonly [number, number];
  /** Aspect ratio (width over height) of what is kept, from and to (default 3/4 to 4/3). */
  aspect?: readonly [number, number];
  /** Probability of mirroring (default 0.5). */
  flip?: number;
  /** How the rectangle becomes the square (default bicubic). */
  resample?: Resample | undefined;
}

const TRIES = 10;

/**
 * The augmentation of stage 1: a random rectangle of the picture, resized to `size × size`, mirrored half of the time.
 *
 * @param random uniform numbers in [0, 1); the same numbers give the same picture
 */
export function randomResizedCrop(
  image: RgbImage,
  size: number,
  random: () => number,
  options: CropOptions = {},
): RgbImage {
  const { resample } = options;
  const resized = resizeRgb(crop(image, randomBox(image, random, options)), size, size, { resample });
  return random() < (options.flip ?? 0.5) ? flipHorizontally(resized) : resized;
}

/** A random rectangle of a picture: its area and the logarithm of its aspect ratio are uniform. */
export function randomBox(image: RgbImage, random: () => number, options: CropOptions = {}): Box {
  const { scale = [0.5, 1], aspect = [3 / 4, 4 / 3] } = options;
  const between = (from: number, to: number) => from + (to - from) * random();
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const area = image.width * image.height * between(scale[0], scale[1]);
    const ratio = Math.exp(between(Math.log(aspect[0]), Math.log(aspect[1])));
    const width = Math.round(Math.sqrt(area * ratio));
    const height = Math.round(Math.sqrt(area / ratio));
    if (width >= 1 && height >= 1 && width <= image.width && height <= image.height) {
      const left = Math.floor(between(0, image.width - width + 1));
      const top = Math.floor(between(0, image.height - height + 1));
      return { left, top, width, height };
    }
  }
  return centralBox(image, aspect);
}

/** The largest rectangle in the middle whose aspect ratio is allowed. */
function centralBox(image: RgbImage, aspect: readonly [number, number]): Box {
  const ratio = Math.min(Math.max(image.width / image.height, aspect[0]), aspect[1]);
  const width = Math.max(1, Math.min(image.width, Math.round(image.height * ratio)));
  const height = Math.max(1, Math.min(image.height, Math.round(image.width / ratio)));
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  return { left, top, width, height };
}
