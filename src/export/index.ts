/** A model in the formats of other programs. */
export { ExportError } from "./error.ts";
export {
  exportGguf,
  type GgufExportOptions,
  type GgufExportReport,
  type GgufType,
  ggufTypes,
} from "./gguf.ts";
export { type GgufSettings, ggufSettings } from "./gguf-settings.ts";
export { exportOnnx, type OnnxExportOptions, type OnnxExportReport } from "./onnx.ts";
