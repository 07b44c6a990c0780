import { describeProvider, type ExecutionProvider } from "../platform/index.ts";
import {
  type DType,
  type Graph,
  isKind,
  nodesOf,
  placeholdersOf,
  staticSizes,
  type Tensor,
} from "../tensor/index.ts";
import { joinedProducts } from "./joined-products.ts";
import { lower } from "./lower.ts";
import { encodeModel, type ValueMessage } from "./messages.ts";
import {
  elementTypes,
  type InlineParameter,
  newWriter,
  type StoredParameter,
  type Writer,
} from "./writer.ts";

function valueMessage(name: string, tensor: Tensor): ValueMessage {
  const dim = tensor.shape.map((d) => (d.size === undefined ? { dim_param: d.name } : { dim_value: d.size }));
  return { name, type: { tensor_type: { elem_type: elementTypes[tensor.dtype], shape: { dim } } } };
}

function inputMessage({ name, dtype, dims }: DerivedInputs["inputs"][number]): ValueMessage {
  const dim = dims.map((size) => (typeof size === "number" ? { dim_value: size } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: elementTypes[dtype], shape: { dim } } } };
}

/** Inputs of a graph that its model computes from others, for programs that feed these. */
export interface DerivedInputs {
  /** The inputs that stand in their place: names of dimensions, or sizes. */
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly dims: readonly (string | number)[];
  }[];
  /** How each input of the graph is computed: writes nodes and returns their result's name. */
  readonly values: ReadonlyMap<string, (writer: Writer) => string>;
}

export interface ModelOptions {
  /** Where the model will run; a few operators are written differently for each. Default "cpu". */
  readonly target?: ExecutionProvider;
  /** Whether products of unsigned by signed bytes are exact where the model will run, which hangs on the processor; default false. */
  readonly integerProducts?: boolean;
  /**
   * Whether products with stored weights that lie side by side become one; default false. It is faster where threads are started for
   * every product, and takes memory where weights are unpacked for one.
   */
  readonly joinsProducts?: boolean;
  /** Parameters with their numbers: they become constants of the model, which its kernels may rearrange. */
  readonly stored?: ReadonlyMap<string, StoredParameter | InlineParameter>;
  readonly derived?: DerivedInputs;
}

/**
 * A graph as the bytes of an ONNX model. Inputs and parameters keep their names and become the model's
 * inputs (parameters are not copied into the file, so that every graph of a model shares one set of weights
 * and training can update them in place); results carry the graph's output names.
 */
export function writeModel(graph: Graph, options: ModelOptions = {}): Uint8Array {
  const { inputs, parameters } = placeholdersOf(graph);
  const placeholders = [...inputs, ...parameters];
  const { stored = new Map<string, StoredParameter>(), derived } = options;
  const names = new Map<Tensor, string>(placeholders.map(([name, tensor]) => [tensor, name]));
  const copies: [from: Tensor, name: string][] = [];
  for (const [name, tensor] of Object.entries(graph.outputs)) {
    // A placeholder, a constant, or a value under a second name has a name already: the result is a copy of it.
    if (names.has(tensor) || tensor.node.kind === "constant") copies.push([tensor, name]);
    else names.set(tensor, name);
  }
  const nodes = nodesOf(Object.values(graph.outputs));
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...Object.values(graph.outputs)]);
  const { kernels } = describeProvider(options.target ?? "cpu");
  const integerProducts = kernels.integerProducts && options.integerProducts === true;
  const writer = newWriter({ ...kernels, integerProducts }, names, used);
  for (const [name, tensor] of inputs) {
    const derive = derived?.values.get(name);
    if (derive !== undefined) names.set(tensor, derive(writer));
  }
  const joined = joinedProducts(graph, options.joinsProducts ? stored : new Map(), writer.kernels);
  for (const [name, tensor] of parameters) {
    const place = stored.get(name);
    if (place !== undefined && !joined.parameters.has(name))
      writer.storedConstant(name, staticSizes(tensor.shape, name), place);
  }
  for (const node of nodes) {
    if (isKind(node, "constant")) names.set(node.outputs[0], writer.constant(node.attributes.value));
    if (!joined.lower(node, writer)) lower(node, writer);
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
      input: [
        ...placeholders
          .filter(([name]) => !stored.has(name) && !derived?.values.has(name))
          .map(([name, tensor]) => valueMessage(name, tensor)),
        ...(derived?.inputs ?? []).map(inputMessage),
      ],
      output: Object.entries(graph.outputs).map(([name, tensor]) => valueMessage(name, tensor)),
    },
  });
}
