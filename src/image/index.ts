export { MissingFfmpegError, VideoError } from "../platform/index.ts";
export {
  type Box,
  type CropOptions,
  crop,
  flipHorizontally,
  randomBox,
  randomResizedCrop,
  resizeAndCenterCrop,
} from "./augment.ts";
export { checkImage, checkVideo } from "./check.ts";
export { overWhite } from "./colour.ts";
export { decodeImage, loadPixelValues } from "./image.ts";
export {
  CLIP_PREPROCESSOR,
  modelPreprocessor,
  normalisationTable,
  type Preprocessor,
  parsePreprocessor,
  publishedPreprocessor,
  toPixelValues,
} from "./preprocessor.ts";
export { type Fidelity, ImageError, type ImageFile, type ReadOptions, readImageFile } from "./read-image.ts";
export { type RgbImage, resizeBicubic } from "./resize.ts";
export {
  decodeVideo,
  defaultFrames,
  sampleFrames,
  toVideoPixelValues,
  type VideoOptions,
} from "./video.ts";
