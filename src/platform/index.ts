export * from "./append.ts";
export * from "./digest.ts";
export * from "./disk.ts";
export * from "./file-lock.ts";
export * from "./files.ts";
export * from "./growing-file.ts";
export * from "./image-decoder.ts";
export {
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
} from "./onnx-runtime.ts";
export { processorCount } from "./onnx-runtime-library.ts";
export { openOnnxRuntime } from "./onnx-runtime-open.ts";
export * from "./urls.ts";
export * from "./video-decoder.ts";
export { type ZipEntry, zipEntries } from "./zip.ts";
