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
export { checkImage, checkVideo, pictureSize, type StoredImage } from "./check.ts";
export { overWhite } from "./colour.ts";
export { decodeImage, loadPixelValues } from "./image.ts";
export { normalisationTable, squeezing, toPixelValues } from "./pixel-values.ts";
export {
  CLIP_PREPROCESSOR,
  modelPreprocessor,
  type Preprocessor,
  parsePreprocessor,
  publishedPreprocessor,
  requireSize,
  withTiles,
} from "./preprocessor.ts";
export type { TileGrid } from "./preprocessor-file.ts";
export { type Fidelity, ImageError, type ImageFile, type ReadOptions, readImageFile } from "./read-image.ts";
export { plainCubicTaps, resampleGrid } from "./resample-numbers.ts";
export { type Filter, type Resample, type RgbImage, resizeBicubic, tapsOf } from "./resize.ts";
export { preprocessorOfSize, statedFit, statedPreprocessor } from "./stated-preprocessor.ts";
export {
  cuttingGrids,
  fittingGrid,
  gridOf,
  loadTiles,
  mostTiles,
  type PictureTile,
  releasedGrids,
  tileCount,
  toTiles,
} from "./tiles.ts";
export {
  decodeVideo,
  defaultFrames,
  type EachSecond,
  sampleFrames,
  sampleSeconds,
  toVideoPixelValues,
  type VideoOptions,
} from "./video.ts";
