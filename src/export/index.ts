/** A model in the formats of other programs. */
export { ExportError } from "./error.ts";
export { exportOnnx, type OnnxExportOptions, type OnnxExportReport } from "./onnx.ts";
