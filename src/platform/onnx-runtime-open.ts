import type { OnnxBindingName, OnnxRuntime } from "./onnx-runtime.ts";
import { openCApi } from "./onnx-runtime-c-api.ts";
import { openNodeBinding } from "./onnx-runtime-node.ts";

/**
 * Opens ONNX Runtime. With a name exactly that binding is used; without one the C API, and where koffi or the
 * library cannot be loaded onnxruntime-node's own binding, whose `fallbackReason` says so.
 */
export async function openOnnxRuntime(binding?: OnnxBindingName): Promise<OnnxRuntime> {
  if (binding === "onnxruntime-node") return openNodeBinding();
  try {
    return await openCApi();
  } catch (error) {
    if (binding === "c-api") throw error;
    return openNodeBinding(error instanceof Error ? error.message : String(error));
  }
}
