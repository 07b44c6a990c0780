import type { KernelSupport } from "../platform/index.ts";
import { type DType, type HostTensor, int64, type Tensor } from "../tensor/index.ts";
import type { AttributeMessage, NodeMessage, TensorMessage } from "./messages.ts";

/** ONNX's numbers for element types. */
export const elementTypes: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
};

/** A parameter whose numbers stand in the model. */
export interface InlineParameter {
  readonly data: Uint8Array;
  readonly type: StoredParameter["type"];
}

/** Where a parameter lies in a file, so that it need not be read into memory first. */
export interface StoredParameter {
  /** The file's name in the directory that is named when the model is compiled. */
  readonly file: string;
  /** Of the first byte. */
  readonly offset: number;
  readonly bytes: number;
  /** How they are stored: floats become float32 when the model is compiled. */
  readonly type: "F32" | "F16" | "BF16" | "U8" | "I8";
}

const storedTypes: Record<StoredParameter["type"], number> = { F32: 1, U8: 2, I8: 3, F16: 10, BF16: 16 };

/** The constant that a stored parameter is. */
function storedConstant(
  name: string,
  dims: number[],
  stored: StoredParameter | InlineParameter,
): TensorMessage {
  if ("data" in stored) return { name, dims, data_type: storedTypes[stored.type], raw_data: stored.data };
  const external_data = [
    { key: "location", value: stored.file },
    { key: "offset", value: String(stored.offset) },
    { key: "length", value: String(stored.bytes) },
  ];
  return { name, dims, data_type: storedTypes[stored.type], external_data, data_location: 1 };
}

export type AttributeValue = number | readonly number[] | string | { readonly float: number };

/** Collects the nodes and constants of one model while a graph is lowered. */
export interface Writer {
  /** The kernels of the provider that the model will run on. */
  readonly kernels: KernelSupport;
  readonly nodes: NodeMessage[];
  readonly initializers: TensorMessage[];
  /** The name of a tensor's value in the model. */
  nameOf(tensor: Tensor): string;
  /** Whether anything reads this tensor. */
  isUsed(tensor: Tensor): boolean;
  /** Adds a node whose results have these names ("" leaves one out). */
  emit(type: string, inputs: readonly string[], outputs: readonly string[], attributes?: Attributes): void;
  /** Adds a node with one fresh result and returns its name. */
  node(type: string, inputs: readonly string[], attributes?: Attributes): string;
  /** Adds a constant and returns its name. */
  constant(value: HostTensor): string;
  /** Adds a constant whose numbers are stored, as float32 where they are floats. */
  storedConstant(name: string, dims: number[], stored: StoredParameter | InlineParameter): void;
}

export type Attributes = Readonly<Record<string, AttributeValue>>;

// Operators that ONNX Runtime adds to the standard's.
const contributed = new Set([
  "FusedMatMul",
  "QuickGelu",
  "RotaryEmbedding",
  "GroupQueryAttention",
  "MatMulNBits",
]);

function attributeMessage(name: string, value: AttributeValue): AttributeMessage {
  if (typeof value === "number") return { name, type: 2, i: value };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  return { name, type: 7, ints: [...value] };
}

/** An empty writer; `names` gives placeholders and results of the graph their public names. */
export function newWriter(
  kernels: KernelSupport,
  names: ReadonlyMap<Tensor, string>,
  used: ReadonlySet<Tensor>,
): Writer {
  const nodes: NodeMessage[] = [];
  const initializers: TensorMessage[] = [];
  const integerConstants = new Map<string, string>();
  let fresh = 0;
  const emit: Writer["emit"] = (type, inputs, outputs, attributes = {}) => {
    nodes.push({
      op_type: type,
      domain: contributed.has(type) ? "com.microsoft" : "",
      name: `${type}_${nodes.length}`,
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([name, value]) => attributeMessage(name, value)),
    });
  };
  const addConstant = (value: HostTensor): string => {
    const name = `constant_${initializers.length}`;
    const raw_data = new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);
    initializers.push({ name, dims: [...value.dims], data_type: elementTypes[value.dtype], raw_data });
    return name;
  };
  return {
    kernels,
    nodes,
    initializers,
    nameOf: (tensor) => names.get(tensor) ?? `value_${tensor.node.id}_${tensor.index}`,
    isUsed: (tensor) => used.has(tensor),
    emit,
    node(type, inputs, attributes) {
      const name = `intermediate_${fresh++}`;
      emit(type, inputs, [name], attributes);
      return name;
    },
    storedConstant(name, dims, stored) {
      const narrow = stored.type === "F16" || stored.type === "BF16";
      const storedName = narrow ? `${name}.stored` : name;
      initializers.push(storedConstant(storedName, dims, stored));
      if (narrow) emit("Cast", [storedName], [name], { to: elementTypes.float32 });
    },
    constant(value) {
      if (value.dtype !== "int64") return addConstant(value);
      const key = `${value.dims.join()}: ${value.data.join()}`;
      const name = integerConstants.get(key) ?? addConstant(value);
      integerConstants.set(key, name);
      return name;
    },
  };
}

/** Whole numbers as an int64 constant. */
export function integerConstant(writer: Writer, values: readonly number[]): string {
  return writer.constant(int64(values, [values.length]));
}
