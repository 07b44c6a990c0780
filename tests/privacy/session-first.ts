// A program that uses ONNX Runtime by itself before it loads this package.
import { InferenceSession } from "onnxruntime-node";
import { node, onnxModel } from "../../src/platform/testing/onnx-model.ts";
import { stay } from "./waiting.ts";

await InferenceSession.create(
  onnxModel([node("Neg", ["x"], "y")], { x: ["float32", [1]] }, { y: ["float32", [1]] }),
);
const { openOnnxRuntime } = await import("../../src/platform/index.ts");
const runtime = await openOnnxRuntime("c-api");
await runtime.createSession(
  onnxModel([node("Abs", ["x"], "y")], { x: ["float32", [1]] }, { y: ["float32", [1]] }),
);
await stay();
