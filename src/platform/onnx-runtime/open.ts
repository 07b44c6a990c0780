import { PlatformError } from "../platform-error.ts";
import type { OnnxBindingName, OnnxRuntime } from "./binding.ts";
import { openCApi } from "./c-api.ts";
import { openNodeBinding } from "./node-binding.ts";

/**
 * Opens ONNX Runtime. With a name exactly that binding is used; without one the C API, and where koffi or the
 * library cannot be loaded onnxruntime-node's own binding, whose `fallbackReason` says so.
 */
export async function openOnnxRuntime(binding?: OnnxBindingName): Promise<OnnxRuntime> {
  if (binding === "onnxruntime-node") return openNodeBinding();
  if (binding === "onnxruntime-web") {
    throw new PlatformError('device: the binding "onnxruntime-web" is there in a browser only; leave it out');
  }
  try {
    return await openCApi();
  } catch (error) {
    if (binding === "c-api") throw error;
    return openNodeBinding(error instanceof Error ? error.message : String(error));
  }
}
