import { type GraphNode, isKind, type Tensor } from "./node.ts";

/** What a run computes: named results of inputs (given each run) and parameters (by their published names). */
export interface Graph {
  readonly name: string;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** Every node the tensors depend on, inputs before users. */
export function nodesOf(outputs: Iterable<Tensor>): GraphNode[] {
  const visited = new Set<GraphNode>();
  const open = [...outputs].map((tensor) => tensor.node);
  while (open.length > 0) {
    const node = open.pop()!;
    if (visited.has(node)) continue;
    visited.add(node);
    for (const operand of node.inputs) open.push(operand.node);
  }
  return [...visited].sort((a, b) => a.id - b.id);
}

/**
 * The placeholders of a graph by name: inputs and parameters, which are fed when it runs. The same name twice must be the
 * same node.
 */
export function placeholdersOf(graph: Graph): {
  inputs: Map<string, Tensor>;
  parameters: Map<string, Tensor>;
} {
  const inputs = new Map<string, Tensor>();
  const parameters = new Map<string, Tensor>();
  for (const node of nodesOf(Object.values(graph.outputs))) {
    if (!isKind(node, "input") && !isKind(node, "parameter")) continue;
    const { name } = node.attributes;
    if (inputs.has(name) || parameters.has(name)) {
      throw new TypeError(
        `graph ${graph.name}: two different placeholders are named ${name}; names are unique`,
      );
    }
    (node.kind === "input" ? inputs : parameters).set(name, node.outputs[0]);
  }
  return { inputs, parameters };
}
