/** The browser's twin of `src/platform`: bundlers take it in its place (field "browser" of package.json). */

export { bytesOfDataUrl, isBareBase64, isDataUrl } from "../data-url.ts";
export { fetchBytes } from "../fetch-bytes.ts";
export { FileError } from "../file-error.ts";
export * from "../file-kind.ts";
export { JpegScanError } from "../jpeg.ts";
export * from "../kernel-memory.ts";
export { literalPattern } from "../literal.ts";
export * from "../nearest-name.ts";
export { DeviceLostError, OnnxRuntimeError, OutOfMemoryError } from "../onnx-runtime.ts";
export { checkOptions, type OptionRules, OptionsError, option, optionProblems } from "../options.ts";
export { PlatformError } from "../platform-error.ts";
export { described, shortened } from "../shortened.ts";
export { decodeText, MISTAKEN_HEAD, type MistakenContent, mistakenContent } from "../text.ts";
export { MissingFfmpegError, VideoError } from "../video-error.ts";
export { wholePicture } from "../whole-picture.ts";
export * from "./absent.ts";
export { newDigest } from "./digest.ts";
export { openFile, pathKind, readBytes, readJson, readText } from "./files.ts";
export { decodePicture, readPictureHeader } from "./image-decoder.ts";
export { openOnnxRuntime, processorCount } from "./onnx-runtime.ts";
export { changedFiles, forgetFiles, watchTransfers } from "./stored-files.ts";
export {
  completeDirectory,
  fileName,
  joinPath,
  parentDirectory,
  pathOfUrl,
  realPath,
} from "./urls.ts";
