import type { GraphNode, OperatorKind, Tensor } from "../../tensor/index.ts";
import { type Attributes, integerConstant, type Writer } from "../writer.ts";

/** Writes one node of a graph as nodes of ONNX. */
export type Lowering<K extends OperatorKind> = (node: GraphNode<K>, writer: Writer) => void;

/** The names of tensors' values in the model. */
export const namesOf = (tensors: readonly Tensor[], writer: Writer): string[] =>
  tensors.map((tensor) => writer.nameOf(tensor));

/** An operator that ONNX has under a name of its own. */
export function direct<K extends OperatorKind>(
  type: string,
  attributes?: (node: GraphNode<K>) => Attributes,
): Lowering<K> {
  return (node, writer) =>
    writer.emit(type, namesOf(node.inputs, writer), [writer.nameOf(node.outputs[0])], attributes?.(node));
}

/** An operator whose whole-number parameters are further inputs in ONNX. */
export function withIntegers<K extends OperatorKind>(
  type: string,
  integers: (node: GraphNode<K>) => readonly (readonly number[])[],
  attributes?: Attributes,
): Lowering<K> {
  return (node, writer) => {
    const extra = integers(node).map((values) => integerConstant(writer, values));
    writer.emit(
      type,
      [...namesOf(node.inputs, writer), ...extra],
      [writer.nameOf(node.outputs[0])],
      attributes,
    );
  };
}

/** The names of a node's results. Those that nobody reads are left out, so that the kernel need not compute them. */
export function usedNames(node: GraphNode, writer: Writer): string[] {
  const names = node.outputs.map((tensor) =>
    tensor.index === 0 || writer.isUsed(tensor) ? writer.nameOf(tensor) : "",
  );
  while (names.at(-1) === "") names.pop();
  return names;
}
