// A program that imports ONNX Runtime before this package, but makes no session in between.
import { InferenceSession } from "onnxruntime-node";
import { Owl } from "../../src/index.ts";
import { node, onnxModel } from "../../src/platform/testing/onnx-model.ts";
import { stay } from "./waiting.ts";

await InferenceSession.create(
  onnxModel([node("Neg", ["x"], "y")], { x: ["float32", [1]] }, { y: ["float32", [1]] }),
);
const owl = await Owl.load("models/owl-nano");
for await (const piece of owl.chat([{ role: "user", content: "what do cats eat?" }]))
  process.stdout.write(piece);
await owl.close();
await stay();
