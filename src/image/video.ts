import {
  bytesOfKind,
  decodePixels,
  decodeVideoFrame,
  fileKind,
  foundInstead,
  foundPath,
  openFile,
  readFrameTimes,
  shortened,
  VideoError,
  withTemporaryFile,
} from "../platform/index.ts";
import { overWhite, withoutAlpha } from "./colour.ts";
import { gifFrames } from "./gif.ts";
import { squeezing, toPixelValues } from "./pixel-values.ts";
import type { Preprocessor } from "./preprocessor-file.ts";
import { headerOf, type ImageFile, type ReadOptions, readImageFile } from "./read-image.ts";
import { type Raster, type RgbImage, resizeBicubic } from "./resize.ts";

/** Frames of a video that the model sees, where nothing else is said (the reference's default). */
export const defaultFrames = 4;

/** Frames of which each is seen a second behind the one before it. */
export interface EachSecond {
  /** Of a longer video so many are seen, spread over the whole. */
  readonly most: number;
}

export interface VideoOptions extends ReadOptions {
  /** How many frames, spread over the whole video, or which. Default 4. */
  readonly frames?: number | EachSecond | undefined;
  /** Height and width of the frames; their aspect is not kept, as in the reference. */
  readonly size: number;
  /** Ends the decoding; it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Which of a video's frames the model sees: one of each of so many equal parts (reference: `get_index`; halves are
 * rounded to the even number, as there).
 */
export function sampleFrames(total: number, frames: number): number[] {
  const part = (total - 1) / frames;
  const start = Math.trunc(part / 2);
  return Array.from({ length: frames }, (_, i) => start + roundedToEven(part * i));
}

/**
 * Which frames of a video are seen where one of each second is: every so many as it has a second on average, and where these are too many, one
 * from the middle of each of so many equal parts of them (reference: the model card of mPLUG-Owl3).
 *
 * @param seconds how long it takes
 */
export function sampleSeconds(total: number, seconds: number, { most }: EachSecond): number[] {
  const step = Math.max(1, roundedToEven(total / seconds));
  const each = Array.from({ length: Math.ceil(total / step) }, (_, i) => i * step);
  if (each.length <= most) return each;
  const part = each.length / most;
  return Array.from({ length: most }, (_, i) => each[Math.trunc(i * part + part / 2)]);
}

function roundedToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/**
 * Frames of a video, spread over its length, each `size × size`. Animated GIF and WebP are decoded here, everything
 * else by the ffmpeg on the PATH (or the one that the environment's FFMPEG_PATH names), and only the frames that are
 * needed. A still GIF or WebP is a video that stands still.
 *
 * @throws VideoError, ImageError or FileError naming the file and the reason
 */
export async function decodeVideo(source: ImageFile, options: VideoOptions): Promise<RgbImage[]> {
  const where = typeof source === "string" ? shortened(source) : "video bytes";
  const { frames = defaultFrames } = options;
  if (typeof frames === "number" && (!Number.isInteger(frames) || frames < 2)) {
    throw new VideoError(
      `${where}: a video must have two frames or more, got ${frames}; give a picture for one`,
    );
  }
  const beginning = await firstBytes(source);
  const kind = fileKind(beginning);
  if (kind?.name === "GIF" || kind?.name === "WebP") return animationFrames(source, where, frames, options);
  requireVideoKind(beginning, where);
  if (typeof source === "string") return videoFrames(await foundPath(source), where, frames, options);
  return withTemporaryFile(source, (path) => videoFrames(path, where, frames, options));
}

/**
 * @param beginning the first bytes of a file
 * @throws VideoError where they say that it is something else than a video or an animation
 */
export function requireVideoKind(beginning: Uint8Array, where: string): void {
  const kind = fileKind(beginning);
  if (kind?.name === "GIF" || kind?.name === "WebP") return;
  if (kind?.group === "picture") {
    const [found] = foundInstead(beginning).split(";");
    throw new VideoError(`${where}: must be a video, got ${found}; give it as a picture`);
  }
  if ((kind?.group === "other" && kind.name !== "text") || beginning.byteLength === 0) {
    const [found] = foundInstead(beginning).split(";");
    throw new VideoError(`${where}: must be a video or an animation, got ${found}`);
  }
}

/** The vision encoder's input `[3, frames, size, size]` for decoded frames, squeezed where they have another size. */
export function toVideoPixelValues(frames: readonly RgbImage[], preprocessor: Preprocessor): Float32Array {
  const plane = preprocessor.size ** 2;
  const values = new Float32Array(3 * frames.length * plane);
  for (const [i, frame] of frames.entries()) {
    const pixels = toPixelValues(frame, squeezing(preprocessor));
    for (let channel = 0; channel < 3; channel++) {
      const of = pixels.subarray(channel * plane, (channel + 1) * plane);
      values.set(of, (channel * frames.length + i) * plane);
    }
  }
  return values;
}

async function firstBytes(source: ImageFile): Promise<Uint8Array> {
  if (typeof source !== "string") return source.subarray(0, bytesOfKind);
  const file = await openFile(source);
  try {
    const bytes = new Uint8Array(Math.min(bytesOfKind, file.size));
    await file.read(bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

async function videoFrames(
  path: string,
  where: string,
  frames: number | EachSecond,
  { size, signal }: VideoOptions,
): Promise<RgbImage[]> {
  const times = await readFrameTimes(path, where, signal);
  const intervals = Math.max(1, times.length - 1);
  // The last frame is shown as long as the others.
  const seconds = ((times[times.length - 1] - times[0]) * times.length) / intervals;
  const chosen =
    typeof frames === "number"
      ? sampleFrames(times.length, frames)
      : sampleSeconds(times.length, seconds || 1, frames);
  return decodeEachOnce(chosen, async (index) => {
    const data = await decodeVideoFrame(path, times, index, { width: size, height: size }, where, signal);
    return { width: size, height: size, data };
  });
}

async function animationFrames(
  source: ImageFile,
  where: string,
  frames: number | EachSecond,
  { size, fidelity, maxPixels = 64e6, maxBytes = 2 ** 28, signal }: VideoOptions,
): Promise<RgbImage[]> {
  const bytes = typeof source === "string" ? await readImageFile(source, maxBytes) : source;
  const { pages, seconds, format } = await headerOf(bytes, where);
  if (format === "gif") requireWholeGif(bytes, where);
  return decodeEachOnce(framesOfAnimation(frames, pages, seconds), async (page) => {
    signal?.throwIfAborted();
    try {
      const options = { decoding: "colour", orient: false, maxPixels, page } as const;
      const raster = (await decodePixels(bytes, options)) as Raster;
      const { width, height, data } = fidelity === "reference" ? withoutAlpha(raster) : overWhite(raster);
      return resizeBicubic({ width, height, data }, size, size);
    } catch (cause) {
      const said = cause instanceof Error ? ` (${cause.message})` : "";
      throw new VideoError(`${where}: frame ${page} of ${pages} cannot be decoded${said}`, { cause });
    }
  });
}

/** Where nothing tells how long frames are shown, ten are a second, as in browsers. */
function framesOfAnimation(frames: number | EachSecond, pages: number, seconds = pages / 10): number[] {
  return typeof frames === "number" ? sampleFrames(pages, frames) : sampleSeconds(pages, seconds, frames);
}

function requireWholeGif(bytes: Uint8Array, where: string): void {
  const { whole, isCut } = gifFrames(bytes);
  if (!isCut) return;
  throw new VideoError(`${where}: must be a whole GIF file, got one that ends inside of frame ${whole + 1}`);
}

/** The results for indices of which some are alike, each made once. */
async function decodeEachOnce<T>(
  indices: readonly number[],
  make: (index: number) => Promise<T>,
): Promise<T[]> {
  const made = new Map<number, T>();
  for (const index of indices) if (!made.has(index)) made.set(index, await make(index));
  return indices.map((index) => made.get(index)!);
}
