/** The browser's implementation of `src/platform`, which bundlers use in its place (field "browser" of package.json). */

export { FileError } from "../files/file-error.ts";
export * from "../files/file-kind.ts";
export { decodeText } from "../files/text.ts";
export { headBytes, type UnexpectedContent, unexpectedContent } from "../files/unexpected-content.ts";
export { JpegScanError } from "../media/jpeg.ts";
export { MissingFfmpegError, VideoError } from "../media/video-error.ts";
export { wholeImage } from "../media/whole-image.ts";
export { bytesOfDataUrl, isBareBase64, isDataUrl } from "../network/data-url.ts";
export { fetchBytes } from "../network/fetch-bytes.ts";
export { DeviceLostError, OnnxRuntimeError, OutOfMemoryError } from "../onnx-runtime/binding.ts";
export {
  browserProviderNames,
  describeProvider,
  executionProviderNames,
} from "../onnx-runtime/execution-providers.ts";
export { checkOptions, type OptionRules, OptionsError, option, optionProblems } from "../options.ts";
export { PlatformError } from "../platform-error.ts";
export { escapeRegExp } from "../text/escape-reg-exp.ts";
export * from "../text/nearest-name.ts";
export { described, shortened } from "../text/shortened.ts";
export * from "../wasm/memory.ts";
export { newDigest } from "./files/digest.ts";
export { changedFiles, forgetFiles, watchTransfers } from "./files/file-cache.ts";
export { openFile, pathKind, readBytes, readJson, readText } from "./files/files.ts";
export {
  completeDirectory,
  fileName,
  joinPath,
  parentDirectory,
  pathOfUrl,
  realPath,
} from "./files/urls.ts";
export { decodePixels, readImageHeader } from "./media/image-decoder.ts";
export { openOnnxRuntime, processorCount } from "./onnx-runtime/web-binding.ts";
export * from "./unsupported.ts";
