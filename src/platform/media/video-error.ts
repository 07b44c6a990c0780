/** A video that cannot be read, or no ffmpeg to read it with; the message names the file and the reason. */
export class VideoError extends Error {
  override name = "VideoError";
}

/** There is no ffmpeg that could read a video; the message says how to get one. */
export class MissingFfmpegError extends VideoError {
  override name = "MissingFfmpegError";
}
