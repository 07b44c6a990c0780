import {
  type Graph,
  type GraphNode,
  isKind,
  nodesOf,
  quantizedOperands,
  type Tensor,
} from "../tensor/index.ts";
import type { Device, StoredParameters } from "./device.ts";
import type { Program } from "./program.ts";
import type { NamedTensors } from "./signature.ts";

/**
 * The names of a graph's parameters that are the numbers and scales of quantised products' weights. Nothing trains them. Kernels that
 * multiply them as they lie must have them as constants, which they rearrange once; otherwise the whole weight is unpacked at every call.
 */
export function quantizedParameters(graph: Graph): ReadonlySet<string> {
  const parts = nodesOf(Object.values(graph.outputs)).flatMap(weightOf);
  return new Set(parts.flatMap(({ node }) => (isKind(node, "parameter") ? [node.attributes.name] : [])));
}

function weightOf(node: GraphNode): readonly Tensor[] {
  if (isKind(node, "rowQuantizedLinear")) return node.inputs.slice(1, 4);
  if (!isKind(node, "quantizedLinear")) return [];
  const { packed, scales, zeroPoints } = quantizedOperands(node, node.inputs);
  return zeroPoints === undefined ? [packed, scales] : [packed, scales, zeroPoints];
}

/**
 * A graph as a program that computes with quantised weights as answers do: where the device takes constants they are. What it asks for
 * of the parameters comes with it.
 */
export async function compileWithWeights(
  device: Device,
  graph: Graph,
  parameters: NamedTensors,
  stored: StoredParameters | undefined,
): Promise<{ readonly program: Program; readonly parameters: NamedTensors }> {
  const constant = device.takesConstants ? quantizedParameters(graph) : new Set<string>();
  const [constants, fed] = [true, false].map((is) =>
    Object.entries(parameters).filter(([name]) => constant.has(name) === is),
  );
  const given = constants.length > 0 && { constants: Object.fromEntries(constants) };
  return { program: await device.compile(graph, { stored, ...given }), parameters: Object.fromEntries(fed) };
}
