import { nodesOf } from "../graph.ts";
import { elementCount } from "../host-tensor.ts";
import { type GraphNode, isKind, type OperatorKind, showTensor, type Tensor } from "../node.ts";
import { type Float64Tensor, type TensorLike, toFloat64 } from "./float64-tensor.ts";
import { references } from "./references.ts";

export type { Float64Tensor, TensorLike };

/**
 * The values of these tensors, computed node by node in slow, plain float64 loops: the reference that compiled programs
 * are checked against.
 *
 * @param feeds the value of every input and parameter the tensors depend on, by name; they also give symbolic
 *   dimensions their sizes
 * @throws TypeError when an input or parameter has no value, or a size contradicts a shape or another dimension of that name
 */
export function interpret(
  outputs: readonly Tensor[],
  feeds: Readonly<Record<string, TensorLike>>,
): Float64Tensor[] {
  const nodes = nodesOf(outputs);
  requireFeeds(nodes, feeds);
  const feed = (name: string): Float64Tensor => toFloat64(feeds[name]);
  const results = new Map<GraphNode, readonly Float64Tensor[]>();
  const sizes = new Map<string, number>();
  for (const node of nodes) {
    const operands = node.inputs.map((operand) => results.get(operand.node)![operand.index]);
    const values = evaluate(node, operands, feed);
    for (const [index, output] of node.outputs.entries()) requireShape(output, values[index], sizes);
    results.set(node, values);
  }
  return outputs.map((output) => results.get(output.node)![output.index]);
}

function evaluate<K extends OperatorKind>(
  node: GraphNode<K>,
  operands: readonly Float64Tensor[],
  feed: (name: string) => Float64Tensor,
): readonly Float64Tensor[] {
  return references[node.kind](node, operands, feed);
}

function requireFeeds(nodes: readonly GraphNode[], feeds: Readonly<Record<string, TensorLike>>): void {
  const missing = nodes
    .filter((node) => isKind(node, "input") || isKind(node, "parameter"))
    .map((node) => node.attributes.name)
    .filter((name) => !Object.hasOwn(feeds, name));
  if (missing.length > 0) {
    throw new TypeError(
      `interpret: every input and parameter needs a value, got none for ${missing.join(", ")}`,
    );
  }
}

function requireShape(tensor: Tensor, { dims, data }: Float64Tensor, sizes: Map<string, number>): void {
  const fits =
    dims.length === tensor.shape.length &&
    data.length === elementCount(dims) &&
    tensor.shape.every((d, i) => {
      if (d.size === undefined && !sizes.has(d.name)) sizes.set(d.name, dims[i]);
      return (d.size ?? sizes.get(d.name)) === dims[i];
    });
  if (fits) return;
  const known = tensor.shape.filter((d) => d.size === undefined && sizes.has(d.name));
  const where = known.map((d) => ` (${d.name} is ${sizes.get(d.name)})`).join("");
  throw new TypeError(
    `interpret: ${showTensor(tensor)}${where} holds values of its shape, got [${dims.join(", ")}] with ${data.length} numbers`,
  );
}
