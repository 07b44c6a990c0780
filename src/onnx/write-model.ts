import type { ExecutionProvider } from "../platform/index.ts";
import { type Graph, isKind, nodesOf, placeholdersOf, staticSizes, type Tensor } from "../tensor/index.ts";
import { lower } from "./lower.ts";
import { encodeModel, type ValueMessage } from "./messages.ts";
import { elementTypes, newWriter, type StoredParameter } from "./writer.ts";

function valueMessage(name: string, tensor: Tensor): ValueMessage {
  const dim = tensor.shape.map((d) => (d.size === undefined ? { dim_param: d.name } : { dim_value: d.size }));
  return { name, type: { tensor_type: { elem_type: elementTypes[tensor.dtype], shape: { dim } } } };
}

export interface ModelOptions {
  /** Where the model will run; a few operators are written differently for each. Default "cpu". */
  readonly target?: ExecutionProvider;
  /** Parameters that lie in files: they become constants of the model, which its kernels may rearrange. */
  readonly stored?: ReadonlyMap<string, StoredParameter>;
}

/**
 * A graph as the bytes of an ONNX model. Inputs and parameters keep their names and become the model's
 * inputs (parameters are not copied into the file, so that every graph of a model shares one set of weights
 * and training can update them in place); results carry the graph's output names.
 */
export function writeModel(graph: Graph, options: ModelOptions = {}): Uint8Array {
  const { inputs, parameters } = placeholdersOf(graph);
  const placeholders = [...inputs, ...parameters];
  const { stored = new Map<string, StoredParameter>() } = options;
  const names = new Map<Tensor, string>(placeholders.map(([name, tensor]) => [tensor, name]));
  const copies: [from: Tensor, name: string][] = [];
  for (const [name, tensor] of Object.entries(graph.outputs)) {
    // A placeholder, a constant, or a value under a second name has a name already: the result is a copy of it.
    if (names.has(tensor) || tensor.node.kind === "constant") copies.push([tensor, name]);
    else names.set(tensor, name);
  }
  const nodes = nodesOf(Object.values(graph.outputs));
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...Object.values(graph.outputs)]);
  const writer = newWriter(options.target ?? "cpu", names, used);
  for (const [name, tensor] of parameters) {
    const place = stored.get(name);
    if (place !== undefined) writer.storedConstant(name, staticSizes(tensor.shape, name), place);
  }
  for (const node of nodes) {
    if (isKind(node, "constant")) names.set(node.outputs[0], writer.constant(node.attributes.value));
    lower(node, writer);
  }
  for (const [tensor, name] of copies) writer.emit("Identity", [writer.nameOf(tensor)], [name]);
  return encodeModel({
    ir_version: 9,
    producer_name: "mplug-owl",
    opset_import: [
      { domain: "", version: 18 },
      { domain: "com.microsoft", version: 1 },
    ],
    graph: {
      name: graph.name,
      node: writer.nodes,
      initializer: writer.initializers,
      input: placeholders
        .filter(([name]) => !stored.has(name))
        .map(([name, tensor]) => valueMessage(name, tensor)),
      output: Object.entries(graph.outputs).map(([name, tensor]) => valueMessage(name, tensor)),
    },
  });
}
