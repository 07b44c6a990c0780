import { type GraphNode, isKind, makeNode, type OperatorKind, type Tensor } from "./node.ts";

/** What a run computes: named results of inputs (given each run) and parameters (by their published names). */
export interface Graph {
  readonly name: string;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** Every node the tensors depend on, inputs before users; nodes behind tensors of `without` are left out. */
export function nodesOf(outputs: Iterable<Tensor>, without: ReadonlySet<Tensor> = new Set()): GraphNode[] {
  const visited = new Set<GraphNode>();
  const open = [...outputs];
  while (open.length > 0) {
    const tensor = open.pop()!;
    if (without.has(tensor) || visited.has(tensor.node)) continue;
    visited.add(tensor.node);
    open.push(...tensor.node.inputs);
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

/**
 * The same results with some tensors replaced by others of their type and shape. Nodes that depend on a replaced tensor are made
 * anew, all others are shared with the given graph.
 */
export function substituted(results: readonly Tensor[], replacements: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const known = new Map(replacements);
  const current = (tensor: Tensor): Tensor => known.get(tensor) ?? tensor;
  for (const node of nodesOf(results, new Set(replacements.keys()))) {
    if (!node.inputs.some((operand) => known.has(operand))) continue;
    const made = remade(node, node.inputs.map(current));
    for (const [i, output] of node.outputs.entries()) if (!known.has(output)) known.set(output, made[i]);
  }
  return results.map(current);
}

function remade<K extends OperatorKind>(node: GraphNode<K>, inputs: readonly Tensor[]): readonly Tensor[] {
  return makeNode(node.kind, inputs, node.attributes, node.outputs);
}
