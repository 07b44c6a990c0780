import { parentPort, workerData } from "node:worker_threads";
import { openOnnxRuntime } from "../../src/platform/index.ts";
import { node, onnxModel } from "../../src/platform/testing/onnx-model.ts";

const runtime = await openOnnxRuntime(workerData);
const session = await runtime.createSession(
  onnxModel([node("Neg", ["x"], "y")], { x: ["float32", [1]] }, { y: ["float32", [1]] }),
);
const x = { dtype: "float32" as const, dims: [1], data: Float32Array.of(3) };
const [y] = await session.run([x], [undefined]);
parentPort?.postMessage(y.data[0]);
// Stays alive, like a thread that waits for questions.
parentPort?.on("message", () => {});
