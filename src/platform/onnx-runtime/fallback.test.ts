import koffi from "koffi";
import { expect, it } from "vitest";
import { node, onnxModel } from "../testing/onnx-model.ts";
import { openOnnxRuntime } from "./open.ts";

it("falls back to onnxruntime-node, and says why, where the C API cannot be loaded", async () => {
  // Once koffi has loaded a library its stacks keep their size, which is too small for ONNX Runtime.
  koffi.load(null);
  await expect(openOnnxRuntime("c-api")).rejects.toThrow("koffi's stacks must be enlarged");
  const runtime = await openOnnxRuntime();
  expect(runtime.binding).toBe("onnxruntime-node");
  expect(runtime.fallbackReason).toContain("koffi's stacks must be enlarged");
  const negate = onnxModel([node("Neg", ["x"], "y")], { x: ["float32", [1]] }, { y: ["float32", [1]] });
  await expect(runtime.createSession(negate, { dimensions: { n: 1 } })).rejects.toThrow('"c-api"');
  const session = await runtime.createSession(negate);
  const x = { dtype: "float32" as const, dims: [1], data: Float32Array.of(3) };
  expect((await session.run([x], [undefined]))[0].data).toEqual(Float32Array.of(-3));
  expect(() => session.runSync([x], [undefined])).toThrow('needs the binding "c-api"');
});
