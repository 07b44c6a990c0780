import {
  decodeVideo,
  type EachSecond,
  type Fidelity,
  loadTiles,
  overWhite,
  type PictureTile,
  type Preprocessor,
  type RgbImage,
  readImageFile,
  resizeBicubic,
  squeezing,
  toPixelValues,
  toTiles,
  toVideoPixelValues,
  VideoError,
} from "../image/index.ts";
import { type Media, mediaFromPixels, mediaFromTile } from "../inference/index.ts";
import { fetchBytes, type OptionRules, option, pathOfUrl } from "../platform/index.ts";
import { type MediaReference, PromptError, type ShownPictures } from "../prompt/index.ts";
import { isSourceError, mediaErrorOf, sourceOf } from "./media-error.ts";
import { type DecodedImage, type FileSource, sourceProblem, urlOfText } from "./media-kinds.ts";
import { contentDigest, type PixelCache } from "./pixel-cache.ts";

/** A picture: its file, or its decoded pixels (RGB, or RGBA as a canvas's ImageData has them). */
export type ImageSource = FileSource | DecodedImage;

/** A video: its file, or as many decoded frames as the model is to see. */
export type VideoSource = FileSource | readonly DecodedImage[];

/** What bounds the reading of pictures and videos. */
export interface ReadingLimits {
  /** Pictures of more pixels are refused before they are decoded. Default 64 million. */
  readonly maxPixels?: number | undefined;
  /** Ends the reading before the next picture or frame; it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How pictures and videos are read. */
export interface Reading extends ReadingLimits {
  readonly preprocessor: Preprocessor;
  readonly fidelity: Fidelity;
  /** How many frames of a video, or which. */
  readonly frames: number | EachSecond;
  /** Of this preprocessor, fidelity and these frames. */
  readonly pixelCache: PixelCache;
  /** Pictures that were read already. */
  readonly known?: ReadonlyMap<ImageSource, Media[]> | undefined;
}

/** What each of these limits must be. */
export const limitRules: OptionRules<ReadingLimits> = {
  maxPixels: option.positive,
  signal: option.signal,
};

/**
 * Reads pictures, videos and frames of videos as the vision encoder sees them: each as one, or in its tiles; a video once,
 * however often it is named. Files whose pixels are cached are read, but not decoded. They are read one after the other, because a decoded
 * picture may take much memory.
 *
 * @throws PromptError naming all that are no pictures or videos; ImageError, VideoError or FileError naming the file and
 *   the reason; a MediaError where there are several
 */
export async function readMedia(
  media: readonly MediaReference<ImageSource, VideoSource>[],
  reading: Reading,
): Promise<Media[][]> {
  const { preprocessor, signal, pixelCache, known } = reading;
  requireMedia(media);
  const videoOf = memoized((video: VideoSource) => openVideo(video, reading));
  const framesOf = memoized(({ decode }: OpenedVideo) => decode());
  const read = async (medium: MediaReference<ImageSource, VideoSource>): Promise<Media[]> => {
    if (medium.type === "image") return known?.get(medium.image) ?? readImage(medium.image, reading);
    const video = await videoOf(medium.video);
    const which = medium.type === "video" ? "video" : `frame ${medium.index}`;
    return pixelCache.get(video.key && `${which} ${video.key}`, async () => {
      const frames = await framesOf(video);
      if (medium.type === "video")
        return [await mediaFromPixels(toVideoPixelValues(frames, preprocessor), frames.length)];
      // Positions are counted for squares, which the frames of a file are.
      const { size } = preprocessor;
      return mediaOf(toTiles(resizeBicubic(frames[medium.index], size, size), squeezing(preprocessor)));
    });
  };
  const pictures: Media[][] = [];
  const failures = new Map<unknown, Error>();
  for (const medium of media) {
    signal?.throwIfAborted();
    try {
      pictures.push(await read(medium));
    } catch (error) {
      if (!isSourceError(error, sourceOf(medium))) throw error;
      failures.set(sourceOf(medium), error);
    }
  }
  if (failures.size > 0) throw mediaErrorOf(media, failures);
  return pictures;
}

/**
 * Reads pictures and videos of a model whose pictures stand beside the text: each picture as the squares of a grid that fits its shape, with the
 * whole behind them, or only whole; each video as its frames.
 *
 * @param cuts whether pictures are cut
 * @throws as {@link readMedia}
 */
export async function readShown(
  media: readonly MediaReference<ImageSource, VideoSource>[],
  reading: Reading,
  cuts: boolean,
): Promise<Map<ImageSource | VideoSource, ShownPictures<Media>>> {
  requireMedia(media);
  const shown = new Map<ImageSource | VideoSource, ShownPictures<Media>>();
  const failures = new Map<unknown, Error>();
  for (const medium of media) {
    reading.signal?.throwIfAborted();
    const source = sourceOf(medium) as ImageSource | VideoSource;
    if (shown.has(source)) continue;
    try {
      const read =
        medium.type === "image"
          ? await readCut(medium.image, reading, cuts)
          : await readFrames(medium.video, reading);
      shown.set(source, read);
    } catch (error) {
      if (!isSourceError(error, source)) throw error;
      failures.set(source, error);
    }
  }
  if (failures.size > 0) throw mediaErrorOf(media, failures);
  return shown;
}

async function readCut(source: ImageSource, reading: Reading, cuts: boolean): Promise<ShownPictures<Media>> {
  const { cuts: _, ...uncut } = reading.preprocessor;
  const pictures = await readImage(source, cuts ? reading : { ...reading, preprocessor: uncut });
  return { grid: pictures[pictures.length - 1].grid, pictures };
}

async function readFrames(source: VideoSource, reading: Reading): Promise<ShownPictures<Media>> {
  const video = await openVideo(source, reading);
  const frames = await video.decode();
  const whole = squeezing(reading.preprocessor);
  return { pictures: await Promise.all(frames.map((frame) => mediaFromPixels(toPixelValues(frame, whole)))) };
}

/** @throws PromptError naming all that are no pictures or videos */
export function requireMedia(media: readonly MediaReference<ImageSource, VideoSource>[]): void {
  const videos = new Set(media.flatMap((one) => (one.type === "image" ? [] : [one.video])));
  const pictures = media.flatMap((one) => (one.type === "image" ? [one.image] : []));
  const problems = [
    ...pictures.flatMap((picture, i) => sourceProblem(picture, "picture", pictures.length, i) ?? []),
    ...[...videos].flatMap((video, i) => sourceProblem(video, "video", videos.size, i) ?? []),
  ];
  if (problems.length > 0) throw new PromptError(`messages: ${problems.join("; ")}`);
}

const mediaOf = (tiles: readonly PictureTile[]): Promise<Media[]> => Promise.all(tiles.map(mediaFromTile));

async function readImage(source: ImageSource, reading: Reading): Promise<Media[]> {
  const { preprocessor, fidelity, maxPixels, pixelCache } = reading;
  if (isDecoded(source)) return mediaOf(toTiles(rgbOf(source), preprocessor));
  const file = await readable(source, reading);
  const isPath = typeof file === "string";
  const bytes = isPath ? await readImageFile(file) : file;
  const options = { fidelity, ...(maxPixels !== undefined && { maxPixels }), ...(isPath && { name: file }) };
  const key = await cacheKey(bytes, reading);
  const kind = preprocessor.cuts ? "cut image" : "image";
  return pixelCache.get(key && `${kind} ${key}`, async () =>
    mediaOf(await loadTiles(bytes, preprocessor, options)),
  );
}

/** A video that is not decoded yet. */
interface OpenedVideo {
  /** What its frames are cached by; undefined: they are not. */
  readonly key: string | undefined;
  readonly decode: () => Promise<readonly RgbImage[]>;
}

async function openVideo(source: VideoSource, reading: Reading): Promise<OpenedVideo> {
  const { preprocessor, fidelity, frames, maxPixels, signal } = reading;
  if (isFrames(source)) return { key: undefined, decode: async () => decodedFrames(source, frames) };
  const options = { frames, size: preprocessor.size, fidelity, signal };
  const file = await readable(source, reading);
  return {
    key: await cacheKey(file, reading),
    decode: () => decodeVideo(file, { ...options, ...(maxPixels !== undefined && { maxPixels }) }),
  };
}

/** What decides about a file's pixels. What has more than `maxPixels` is refused, so cached pixels are of one limit. */
async function cacheKey(file: string | Uint8Array, { maxPixels }: Reading): Promise<string | undefined> {
  const digest = await contentDigest(file);
  return digest && `${maxPixels ?? "default"} ${digest}`;
}

function decodedFrames(source: readonly DecodedImage[], frames: number | EachSecond): readonly RgbImage[] {
  // Who gives frames where their number is free has chosen them.
  if (typeof frames === "number" ? source.length === frames : source.length > 0) return source.map(rgbOf);
  const needed = typeof frames === "number" ? `${frames} decoded frames (framesPerVideo)` : "decoded frames";
  throw new VideoError(`video: must have ${needed}, got ${source.length}; choose them with sampleFrames`);
}

/** A function whose results are kept, so that it is called once for each argument. */
function memoized<Argument, Result>(of: (argument: Argument) => Result): (argument: Argument) => Result {
  const results = new Map<Argument, Result>();
  return (argument) => {
    const result = results.get(argument) ?? of(argument);
    results.set(argument, result);
    return result;
  };
}

/** A file as the decoders read it: its path or its bytes. */
async function readable(source: FileSource, { signal }: Reading): Promise<string | Uint8Array> {
  if (typeof source === "string" || source instanceof URL) {
    const url = typeof source === "string" ? urlOfText(source) : source;
    if (url === undefined) return String(source);
    return pathOfUrl(url) ?? (await fetchBytes(url, { signal }));
  }
  if (source instanceof Uint8Array && source.buffer instanceof ArrayBuffer) return source;
  if (ArrayBuffer.isView(source)) {
    // Decoders take no views of other numbers, and none of memory that is shared.
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  }
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return "arrayBuffer" in source
    ? new Uint8Array(await source.arrayBuffer())
    : new Uint8Array(source).slice();
}

function isDecoded(source: ImageSource): source is DecodedImage {
  return typeof source === "object" && "width" in source;
}

function isFrames(source: VideoSource): source is readonly DecodedImage[] {
  return Array.isArray(source);
}

/** Transparent pixels lie over white, as in files. */
function rgbOf({ width, height, data }: DecodedImage): RgbImage {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const channels = bytes.length / (width * height);
  return overWhite({ width, height, channels, data: bytes });
}
