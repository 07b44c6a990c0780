export * from "./append.ts";
export * from "./data-url.ts";
export * from "./digest.ts";
export * from "./disk.ts";
export * from "./fetch-bytes.ts";
export * from "./file-kind.ts";
export * from "./file-lock.ts";
export * from "./files.ts";
export { foundPath, nearHint } from "./found-path.ts";
export * from "./growing-file.ts";
export { expandedPath } from "./home.ts";
export * from "./http-socket.ts";
export * from "./image-decoder.ts";
export { JpegScanError } from "./jpeg.ts";
export * from "./kept-files.ts";
export * from "./kernel-memory.ts";
export * from "./kernel-threads.ts";
export * from "./literal.ts";
export * from "./nearest-name.ts";
export {
  DeviceLostError,
  type ExecutionProvider,
  type OnnxBindingName,
  type OnnxBoundRun,
  type OnnxRuntime,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxSessionOptions,
  type OnnxSignature,
  type OnnxTensor,
  type OnnxType,
  OutOfMemoryError,
} from "./onnx-runtime.ts";
export { processorCount } from "./onnx-runtime-library.ts";
export { openOnnxRuntime } from "./onnx-runtime-open.ts";
export * from "./options.ts";
export * from "./platform-error.ts";
export { isPublicAddress } from "./public-address.ts";
export * from "./remote-file.ts";
export * from "./shortened.ts";
export * from "./svg.ts";
export { decodeText, MISTAKEN_HEAD, type MistakenContent, mistakenContent } from "./text.ts";
export * from "./urls.ts";
export * from "./video-decoder.ts";
export * from "./video-error.ts";
export { wholePicture } from "./whole-picture.ts";
export { type ZipEntry, zipEntries } from "./zip.ts";
