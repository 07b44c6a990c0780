import {
  decodeVideo,
  type Fidelity,
  loadPixelValues,
  type Preprocessor,
  type RgbImage,
  toPixelValues,
  toVideoPixelValues,
  VideoError,
} from "../image/index.ts";
import { fetchBytes, pathOfUrl } from "../platform/index.ts";
import type { Medium } from "../prompt/index.ts";
import { isOfOneMedium, mediaErrorOf, sourceOf } from "./media-error.ts";
import { type Picture, pictureOf } from "./prompt.ts";

/** A picture: a path, a `file:`, `http(s):` or `data:` URL, the bytes of a picture file, or decoded RGB. */
export type PictureSource = string | URL | Uint8Array | RgbImage;

/** A video: a path, a URL, the bytes of a video file, or as many decoded frames as the model is to see. */
export type VideoSource = string | URL | Uint8Array | readonly RgbImage[];

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
  readonly framesPerVideo: number;
}

/**
 * Reads pictures, videos and frames of videos as the vision encoder sees them; a video once, however often it is
 * named. They are read one after the other, because a decoded picture may take much memory.
 *
 * @throws ImageError, VideoError or FileError naming the file and the reason; a MediaError where there are several
 */
export async function readMedia(
  media: readonly Medium<PictureSource, VideoSource>[],
  reading: Reading,
): Promise<Picture[]> {
  const { preprocessor, signal } = reading;
  const decoded = new Map<VideoSource, Promise<readonly RgbImage[]>>();
  const framesOf = (video: VideoSource): Promise<readonly RgbImage[]> => {
    const frames = decoded.get(video) ?? readFrames(video, reading);
    decoded.set(video, frames);
    return frames;
  };
  const read = async (medium: Medium<PictureSource, VideoSource>): Promise<Picture> => {
    if (medium.type === "image") return readPicture(medium.image, reading);
    const frames = await framesOf(medium.video);
    if (medium.type === "video") return pictureOf(toVideoPixelValues(frames, preprocessor), frames.length);
    return pictureOf(toPixelValues(frames[medium.index], { ...preprocessor, fit: "squeeze" }));
  };
  const pictures: Picture[] = [];
  const failures = new Map<unknown, Error>();
  for (const medium of media) {
    signal?.throwIfAborted();
    try {
      pictures.push(await read(medium));
    } catch (error) {
      if (!isOfOneMedium(error, sourceOf(medium))) throw error;
      failures.set(sourceOf(medium), error);
    }
  }
  if (failures.size > 0) throw mediaErrorOf(media, failures);
  return pictures;
}

async function readPicture(source: PictureSource, reading: Reading): Promise<Picture> {
  const { preprocessor, fidelity, maxPixels } = reading;
  if (isRgbImage(source)) return pictureOf(toPixelValues(source, preprocessor));
  const options = { fidelity, ...(maxPixels !== undefined && { maxPixels }) };
  return pictureOf(await loadPixelValues(await readable(source), preprocessor, options));
}

async function readFrames(source: VideoSource, reading: Reading): Promise<readonly RgbImage[]> {
  const { preprocessor, fidelity, framesPerVideo: frames, maxPixels, signal } = reading;
  if (!isFrames(source)) {
    const options = { frames, size: preprocessor.size, fidelity, signal };
    return decodeVideo(await readable(source), { ...options, ...(maxPixels !== undefined && { maxPixels }) });
  }
  if (source.length === frames) return source;
  throw new VideoError(
    `video: must have ${frames} decoded frames (framesPerVideo), got ${source.length}; choose them with sampleFrames`,
  );
}

async function readable(source: string | URL | Uint8Array): Promise<string | Uint8Array> {
  return source instanceof URL ? (pathOfUrl(source) ?? (await fetchBytes(source))) : source;
}

function isRgbImage(source: PictureSource): source is RgbImage {
  return typeof source === "object" && "width" in source;
}

function isFrames(source: VideoSource): source is readonly RgbImage[] {
  return Array.isArray(source);
}
