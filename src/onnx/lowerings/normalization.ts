import { float32 } from "../../tensor/index.ts";
import { integerConstant } from "../writer.ts";
import { direct, type Lowering, namesOf, usedNames } from "./lowering.ts";

export const softmax = direct<"softmax">("Softmax", () => ({ axis: -1 }));

export const layerNorm: Lowering<"layerNorm"> = (node, writer) =>
  writer.emit("LayerNormalization", namesOf(node.inputs, writer), usedNames(node, writer), {
    axis: -1,
    epsilon: { float: node.attributes.epsilon },
  });

export const rmsNorm: Lowering<"rmsNorm"> = (node, writer) => {
  const [x, weight] = namesOf(node.inputs, writer);
  const { epsilon } = node.attributes;
  const names = usedNames(node, writer);
  if (writer.kernels.inverseStdDev || names.length === 1) {
    const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
    writer.emit("SimplifiedLayerNormalization", [x, weight], names, attributes);
    return;
  }
  // The WebGPU kernel leaves its second result unwritten, which gradients need.
  const square = writer.node("ReduceMean", [writer.node("Mul", [x, x]), integerConstant(writer, [-1])], {
    keepdims: 1,
  });
  const padded = writer.node("Add", [square, writer.constant(float32([epsilon], []))]);
  writer.emit("Reciprocal", [writer.node("Sqrt", [padded])], [names[1]]);
  writer.emit("Mul", [writer.node("Mul", [x, names[1]]), weight], [names[0]]);
};
