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
import { type Picture, pictureOf } from "./prompt.ts";

/** A picture: a path, a `file:`, `http(s):` or `data:` URL, the bytes of a picture file, or decoded RGB. */
export type PictureSource = string | URL | Uint8Array | RgbImage;

/** A video: a path, a URL, the bytes of a video file, or as many decoded frames as the model is to see. */
export type VideoSource = string | URL | Uint8Array | readonly RgbImage[];

/** How pictures and videos are read. */
export interface Reading {
  readonly preprocessor: Preprocessor;
  readonly fidelity: Fidelity;
  readonly framesPerVideo: number;
}

/**
 * Reads pictures, videos and frames of videos as the vision encoder sees them; a video once, however often it is
 * named.
 *
 * @throws ImageError, VideoError or FileError naming the file and the reason
 */
export async function readMedia(
  media: readonly Medium<PictureSource, VideoSource>[],
  reading: Reading,
): Promise<Picture[]> {
  const { preprocessor } = reading;
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
  return Promise.all(media.map(read));
}

async function readPicture(source: PictureSource, { preprocessor, fidelity }: Reading): Promise<Picture> {
  if (isRgbImage(source)) return pictureOf(toPixelValues(source, preprocessor));
  return pictureOf(await loadPixelValues(await readable(source), preprocessor, { fidelity }));
}

async function readFrames(source: VideoSource, reading: Reading): Promise<readonly RgbImage[]> {
  const { preprocessor, fidelity, framesPerVideo: frames } = reading;
  if (!isFrames(source)) {
    return decodeVideo(await readable(source), { frames, size: preprocessor.size, fidelity });
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
