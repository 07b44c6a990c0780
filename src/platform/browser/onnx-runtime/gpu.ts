import { OnnxRuntimeError } from "../../onnx-runtime/binding.ts";

/** What ONNX Runtime's kernels make use of, where the adapter has it. */
const usefulFeatures = ["shader-f16", "subgroups"] as const;

const usefulLimits = [
  "maxBindGroups",
  "maxBufferSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/**
 * A GPU of this machine, with all that its adapter can do.
 *
 * @throws OnnxRuntimeError where the browser has no WebGPU or no adapter
 */
export async function openGpu(): Promise<GPUDevice> {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new OnnxRuntimeError(
      "device webgpu: needs a browser with WebGPU and a GPU that it trusts, found none; use cpu (WebAssembly)",
    );
  }
  return adapter.requestDevice({
    requiredFeatures: usefulFeatures.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(usefulLimits.map((name) => [name, adapter.limits[name]])),
  });
}
