import { type GraphNode, type Shape, sameDim, staticSizes } from "../../tensor/index.ts";
import { integerConstant } from "../writer.ts";
import { direct, type Lowering, namesOf, withIntegers } from "./lowering.ts";

/** Reshape's target: 0 keeps a symbolic dimension in its place, −1 takes what is left. */
function reshapeTarget(from: Shape, to: Shape): number[] {
  return to.map((d, i) => d.size ?? (from[i] && sameDim(from[i], d) ? 0 : -1));
}

export const reshape = withIntegers<"reshape">("Reshape", (node) => [
  reshapeTarget(node.inputs[0].shape, node.attributes.shape),
]);
export const transpose = direct<"transpose">("Transpose", (node) => ({ perm: node.attributes.permutation }));
export const expand = withIntegers<"expand">("Expand", (node) => [
  staticSizes(node.attributes.shape, "expand"),
]);
export const concat = direct<"concat">("Concat", (node) => ({ axis: node.attributes.axis }));
export const slice = withIntegers<"slice">("Slice", ({ attributes: { axis, start, end } }) => [
  [start],
  [end],
  [axis],
]);

export const split: Lowering<"split"> = (node, writer) => {
  const sizes = integerConstant(writer, node.attributes.sizes);
  const inputs = [...namesOf(node.inputs, writer), sizes];
  writer.emit("Split", inputs, namesOf(node.outputs, writer), { axis: node.attributes.axis });
};

export const pad: Lowering<"pad"> = (node, writer) => {
  const { axis, before, after } = node.attributes;
  const rank = node.inputs[0].shape.length;
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = before;
  pads[rank + axis] = after;
  writer.emit(
    "Pad",
    [writer.nameOf(node.inputs[0]), integerConstant(writer, pads)],
    [writer.nameOf(node.outputs[0])],
  );
};

/** ONNX reads an empty list of axes as all of them; here it means none. */
function reduction<K extends "reduceSum" | "reduceMean">(type: string): Lowering<K> {
  return ({ inputs: [x], outputs: [sum], attributes: { axes } }: GraphNode<K>, writer) => {
    if (axes.length === 0) writer.emit("Identity", [writer.nameOf(x)], [writer.nameOf(sum)]);
    else
      writer.emit(type, [writer.nameOf(x), integerConstant(writer, axes)], [writer.nameOf(sum)], {
        keepdims: 1,
      });
  };
}

export const reduceSum = reduction<"reduceSum">("ReduceSum");
export const reduceMean = reduction<"reduceMean">("ReduceMean");
