import type { Node, OperatorKind } from "../node.ts";
import type { Numbers } from "./numbers.ts";

/**
 * What an operator computes: its operands' numbers → the numbers of each of its outputs.
 * `feed` gives the value of a leaf by its name.
 */
export type Meaning<K extends OperatorKind> = (
  node: Node<K>,
  operands: readonly Numbers[],
  feed: (name: string) => Numbers,
) => readonly Numbers[];
