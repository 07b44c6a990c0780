import protobuf from "protobufjs";

/** The part of ONNX's messages that the small models of these tests need (field numbers from onnx.proto). */
const messages = protobuf.parse(`syntax = "proto3";
message Attribute { string name = 1; float f = 2; int64 i = 3; repeated int64 ints = 8; int32 type = 20; }
message Node { repeated string input = 1; repeated string output = 2; string op_type = 4; repeated Attribute attribute = 5; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message Shape { repeated Dimension dim = 1; }
message TensorType { int32 elem_type = 1; Shape shape = 2; }
message Type { TensorType tensor_type = 1; }
message ValueInfo { string name = 1; Type type = 2; }
message Graph { repeated Node node = 1; string name = 2; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
message OperatorSet { string domain = 1; int64 version = 2; }
message Model { int64 ir_version = 1; Graph graph = 7; repeated OperatorSet opset_import = 8; }`).root;

const elementTypes = { float32: 1, int64: 7, int32: 6, bool: 9, uint8: 2, int8: 3, float16: 10 };

type Dims = readonly (number | string)[];
export type ModelValues = Readonly<Record<string, readonly [keyof typeof elementTypes, Dims]>>;
export interface ModelNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly axis?: number;
}

/** A small ONNX model (operator set 17). A dimension that is a string is symbolic, "" leaves it open. */
export function onnxModel(
  nodes: readonly ModelNode[],
  inputs: ModelValues,
  outputs: ModelValues,
): Uint8Array {
  const model = messages.lookupType("Model");
  const message = model.fromObject({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "test",
      node: nodes.map(nodeMessage),
      input: valueInfos(inputs),
      output: valueInfos(outputs),
    },
  });
  return model.encode(message).finish();
}

/** A node with one output. */
export function node(operator: string, inputs: readonly string[], output: string, axis?: number): ModelNode {
  return { operator, inputs, outputs: [output], ...(axis === undefined ? {} : { axis }) };
}

function nodeMessage({ operator, inputs, outputs, axis }: ModelNode): object {
  const attribute = axis === undefined ? [] : [{ name: "axis", i: axis, type: 2 }];
  return { opType: operator, input: inputs, output: outputs, attribute };
}

function valueInfos(values: ModelValues): object[] {
  return Object.entries(values).map(([name, [dtype, dims]]) => ({
    name,
    type: { tensorType: { elemType: elementTypes[dtype], shape: { dim: dims.map(dimension) } } },
  }));
}

function dimension(size: number | string): object {
  if (typeof size === "number") return { dimValue: size };
  return size === "" ? {} : { dimParam: size };
}
