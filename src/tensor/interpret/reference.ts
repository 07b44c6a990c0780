import type { GraphNode, OperatorKind } from "../node.ts";
import type { Float64Tensor } from "./float64-tensor.ts";

/**
 * The reference implementation of an operator in float64: the operands' values → the values of each output.
 * `feed` gives the value of an input or parameter by its name.
 */
export type Reference<K extends OperatorKind> = (
  node: GraphNode<K>,
  operands: readonly Float64Tensor[],
  feed: (name: string) => Float64Tensor,
) => readonly Float64Tensor[];
