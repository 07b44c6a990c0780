import { expect, it } from "vitest";
import { node, onnxModel } from "../testing/onnx-model.ts";
import { openOnnxRuntime } from "./open.ts";

// Elsewhere WebGPU does not go through Vulkan, whose drivers can be hidden.
it.runIf(process.platform === "linux")("says what to do where WebGPU finds no GPU", async () => {
  process.env.VK_ICD_FILENAMES = "/nowhere/driver.json";
  const runtime = await openOnnxRuntime("c-api");
  const negate = onnxModel([node("Neg", ["x"], "y")], { x: ["float32", [1]] }, { y: ["float32", [1]] });
  await expect(runtime.createSession(negate, { provider: "webgpu" })).rejects.toThrow(
    /^device webgpu: needs a GPU .* or use cpu$/,
  );
});
