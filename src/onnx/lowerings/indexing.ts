import { staticSizes } from "../../tensor/index.ts";
import { integerConstant, type Writer } from "../writer.ts";
import { direct, type Lowering, namesOf } from "./lowering.ts";

export const gather = direct<"gather">("Gather", () => ({ axis: 0 }));
export const gatherNd = direct<"gatherNd">("GatherND");

/**
 * Additive scattering goes through ScatterElements: ONNX Runtime's CPU kernel of ScatterND adds from several
 * threads at once and loses updates where an entry is named twice.
 */
export const scatterNd: Lowering<"scatterNd"> = (node, writer) => {
  const [x, indices, updates] = node.inputs;
  const result = writer.nameOf(node.outputs[0]);
  if (node.attributes.reduction === "none") {
    writer.emit("ScatterND", namesOf(node.inputs, writer), [result]);
    return;
  }
  const depth = indices.shape[1].size!;
  const sizes = staticSizes(x.shape, "additive scatterNd");
  const width = sizes.slice(depth).reduce((product, size) => product * size, 1);
  const strides = sizes
    .slice(0, depth)
    .map((_, i) => sizes.slice(i + 1, depth).reduce((p, size) => p * size, 1));
  const rows = depth === 1 ? writer.nameOf(indices) : linearRows(writer.nameOf(indices), strides, writer);
  const [count] = staticSizes(indices.shape, "additive scatterNd");
  const spread = writer.node("Expand", [rows, integerConstant(writer, [count, width])]);
  const parts = writer.node("Reshape", [writer.nameOf(updates), integerConstant(writer, [count, width])]);
  const add = { axis: 0, reduction: "add" };
  if (depth === 1 && sizes.length === 2) {
    // No Reshape behind a matrix: one that ends in a graph's output copies it.
    writer.emit("ScatterElements", [writer.nameOf(x), spread, parts], [result], add);
    return;
  }
  const table = writer.node("Reshape", [writer.nameOf(x), integerConstant(writer, [-1, width])]);
  const sum = writer.node("ScatterElements", [table, spread, parts], add);
  writer.emit("Reshape", [sum, integerConstant(writer, sizes)], [result]);
};

/** Several indices a row as one index into the flattened leading axes. */
function linearRows(indices: string, strides: readonly number[], writer: Writer): string {
  const steps = writer.node("Mul", [indices, integerConstant(writer, strides)]);
  return writer.node("ReduceSum", [steps, integerConstant(writer, [1])], { keepdims: 1 });
}

export const crossEntropy: Lowering<"crossEntropy"> = (node, writer) => {
  const [logits, labels] = namesOf(node.inputs, writer);
  const [losses, logProbabilities] = namesOf(node.outputs, writer);
  writer.emit("LogSoftmax", [logits], [logProbabilities], { axis: -1 });
  const column = writer.node("Unsqueeze", [labels, integerConstant(writer, [1])]);
  const picked = writer.node("GatherElements", [logProbabilities, column], { axis: 1 });
  writer.emit("Neg", [writer.node("Squeeze", [picked, integerConstant(writer, [1])])], [losses]);
};
