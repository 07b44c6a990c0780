import { type Graph, nodesOf } from "./graph.ts";
import type { HostTensor } from "./host-tensor.ts";
import { type GraphNode, isKind, type Tensor } from "./node.ts";

/** What a graph is but for the names of its placeholders and results. */
export interface Structure {
  /** Equal for graphs that compute the same of placeholders in the same places. */
  readonly key: string;
  /** The names of its inputs and parameters by their places. */
  readonly placeholders: readonly string[];
  /** The names of its results by their places. */
  readonly results: readonly string[];
}

/** Numbers for large constants, which are equal where they are the same object. */
export type ConstantNumbers = Map<HostTensor, number>;

/** Constants of at most so many elements are compared by their values. */
const smallConstant = 64;

/**
 * The structure of a graph. A program of one graph serves every other one of the same key: it is given the placeholder in the
 * same place of `placeholders` under its own name.
 *
 * @param constants shared by the graphs that are compared
 */
export function structureOf(graph: Graph, constants: ConstantNumbers): Structure {
  const nodes = nodesOf(Object.values(graph.outputs));
  const places = new Map(nodes.map((node, place) => [node, place]));
  const show = ({ node, index }: Tensor): string => `${places.get(node)}.${index}`;
  const placeholders: string[] = [];
  const lines = nodes.map((node) => {
    const results = node.outputs.map(({ dtype, shape }) => `${dtype}${JSON.stringify(shape, withoutNames)}`);
    if (isKind(node, "input") || isKind(node, "parameter")) placeholders.push(node.attributes.name);
    return `${describe(node, constants)}(${node.inputs.map(show)})${results}`;
  });
  const outputs = Object.entries(graph.outputs);
  return {
    key: [...lines, outputs.map(([, tensor]) => show(tensor)).join()].join("\n"),
    placeholders,
    results: outputs.map(([name]) => name),
  };
}

function describe(node: GraphNode, constants: ConstantNumbers): string {
  if (isKind(node, "input") || isKind(node, "parameter")) return "placeholder";
  if (!isKind(node, "constant")) return `${node.kind}${JSON.stringify(node.attributes, withoutNames)}`;
  const { value } = node.attributes;
  if (value.data.length <= smallConstant) return `constant ${value.dims}: ${value.data}`;
  const number = constants.get(value) ?? constants.size;
  constants.set(value, number);
  return `constant ${number}`;
}

/** Leaves out the name of a dimension whose size is known. */
function withoutNames(this: unknown, key: string, value: unknown): unknown {
  const isName = key === "name" && (this as { size?: number }).size !== undefined;
  return isName ? undefined : value;
}
