import { ImageError, MissingFfmpegError, VideoError } from "../image/index.ts";
import { FileError } from "../platform/index.ts";
import type { MediaReference } from "../prompt/index.ts";

/** One picture or video that could not be read. */
export interface MediaProblem {
  /** The picture or video as it was given. */
  readonly source: unknown;
  /** Which it is of those that were given, as `picture 2 of 3`. */
  readonly which: string;
  readonly message: string;
}

/** Of several pictures and videos some could not be read; the message says which, and why. */
export class MediaError extends ImageError {
  override name = "MediaError";
  readonly problems: readonly MediaProblem[];

  constructor(problems: readonly MediaProblem[], options?: ErrorOptions) {
    super(problems.map(({ which, message }) => `${which}: ${message}`).join("; "), options);
    this.problems = problems;
  }
}

/** Whether an error is that of one picture or video, so that the others may still be looked at. */
export function isSourceError(error: unknown, source: unknown): error is Error {
  // Files that the reading of bytes needs are this machine's affair.
  if (error instanceof FileError) return !(source instanceof Uint8Array);
  if (error instanceof MissingFfmpegError) return false;
  return error instanceof ImageError || error instanceof VideoError;
}

/** The picture or video that a medium comes from, as it was given. */
export function sourceOf(medium: MediaReference<unknown, unknown>): unknown {
  return medium.type === "image" ? medium.image : medium.video;
}

/** The error for media that could not be read: the error itself where there is one medium, else one that names which. */
export function mediaErrorOf(
  media: readonly MediaReference<unknown, unknown>[],
  failures: ReadonlyMap<unknown, Error>,
): Error {
  // A picture that is shown twice is two pictures; a video's frames are one video.
  const pictures = media.flatMap((one) => (one.type === "image" ? [one.image] : []));
  const videos = [...new Set(media.flatMap((one) => (one.type === "image" ? [] : [one.video])))];
  const [[, first]] = failures;
  if (pictures.length + videos.length === 1) return first;
  const which = (source: unknown): string =>
    pictures.includes(source) ? numbered("picture", pictures, source) : numbered("video", videos, source);
  const problems = [...failures].map(([source, { message }]) => ({ source, which: which(source), message }));
  return new MediaError(problems, { cause: first });
}

function numbered(kind: string, all: readonly unknown[], source: unknown): string {
  return all.length > 1 ? `${kind} ${all.indexOf(source) + 1} of ${all.length}` : kind;
}
