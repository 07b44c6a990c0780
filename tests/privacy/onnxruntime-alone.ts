// ONNX Runtime without this package: shows that the test detects its reports.
import { InferenceSession } from "onnxruntime-node";
import { node, onnxModel } from "../../src/platform/testing/onnx-model.ts";
import { stay } from "./waiting.ts";

await InferenceSession.create(
  onnxModel([node("Neg", ["x"], "y")], { x: ["float32", [1]] }, { y: ["float32", [1]] }),
);
await stay();
