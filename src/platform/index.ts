export * from "./files/append.ts";
export * from "./files/append-only-file.ts";
export { type Compression, decompress } from "./files/decompress.ts";
export * from "./files/digest.ts";
export * from "./files/disk.ts";
export { expandedPath } from "./files/expanded-path.ts";
export * from "./files/file-cache.ts";
export * from "./files/file-kind.ts";
export * from "./files/file-lock.ts";
export * from "./files/files.ts";
export { foundPath, nearHint } from "./files/found-path.ts";
export * from "./files/replace-directory.ts";
export { decodeText } from "./files/text.ts";
export { headBytes, type UnexpectedContent, unexpectedContent } from "./files/unexpected-content.ts";
export * from "./files/urls.ts";
export { type ZipEntry, zipEntries } from "./files/zip.ts";
export * from "./media/image-decoder.ts";
export { JpegScanError } from "./media/jpeg.ts";
export * from "./media/svg.ts";
export * from "./media/video-decoder.ts";
export * from "./media/video-error.ts";
export { wholeImage } from "./media/whole-image.ts";
export * from "./memory-limits.ts";
export * from "./mpi/job-end.ts";
export { jobStarter, launchedProcesses } from "./mpi/launcher.ts";
export { type MessagePassing, type MpiMessage, openMessagePassing } from "./mpi/message-passing.ts";
export { type MpiJob, startMpiJob } from "./mpi/mpirun.ts";
export { isRunning, type ProcessPlace, processPlace } from "./mpi/processors.ts";
export * from "./network/data-url.ts";
export * from "./network/fetch-bytes.ts";
export * from "./network/http-server.ts";
export * from "./network/remote-file.ts";
export {
  type CompileOptions,
  DeviceLostError,
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
} from "./onnx-runtime/binding.ts";
export {
  type BrowserProvider,
  browserProviderNames,
  describeProvider,
  type ExecutionProvider,
  executionProviderNames,
  type KernelSupport,
} from "./onnx-runtime/execution-providers.ts";
export { openOnnxRuntime } from "./onnx-runtime/open.ts";
export { processorCount } from "./onnx-runtime/shared-library.ts";
export * from "./options.ts";
export * from "./platform-error.ts";
export { processorName } from "./processor-name.ts";
export * from "./text/escape-reg-exp.ts";
export * from "./text/nearest-name.ts";
export * from "./text/shortened.ts";
export * from "./threads/worker-pool.ts";
export * from "./wasm/memory.ts";
export * from "./wasm/thread-pool.ts";
