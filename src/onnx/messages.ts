import protobuf from "protobufjs";

// The messages of onnx.proto that a written model uses, with the field numbers of the ONNX specification.
const schema = `
syntax = "proto3";
message ModelProto {
  int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8;
}
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message GraphProto {
  repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message NodeProto {
  repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  repeated AttributeProto attribute = 5; string domain = 7;
}
message AttributeProto {
  string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated float floats = 7; repeated int64 ints = 8;
  int32 type = 20;
}
message TensorProto {
  repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9;
  repeated StringStringEntryProto external_data = 13; int32 data_location = 14;
}
message StringStringEntryProto { string key = 1; string value = 2; }
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message TypeProto { TensorTypeProto tensor_type = 1; }
message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TensorShapeProto { repeated DimensionProto dim = 1; }
message DimensionProto { oneof value { int64 dim_value = 1; string dim_param = 2; } }
`;

const modelType = protobuf.parse(schema, { keepCase: true }).root.resolveAll().lookupType("ModelProto");

export type AttributeMessage =
  | { name: string; type: 1; f: number }
  | { name: string; type: 2; i: number }
  | { name: string; type: 3; s: Uint8Array }
  | { name: string; type: 7; ints: number[] };

export interface NodeMessage {
  op_type: string;
  domain: string;
  name: string;
  input: string[];
  output: string[];
  attribute: AttributeMessage[];
}

interface TensorType {
  name: string;
  dims: number[];
  data_type: number;
}

/** A tensor whose numbers stand in the model, or (location 1) in a file beside it. */
export type TensorMessage =
  | (TensorType & { raw_data: Uint8Array })
  | (TensorType & { external_data: { key: string; value: string }[]; data_location: 1 });

export interface ValueMessage {
  name: string;
  type: {
    tensor_type: { elem_type: number; shape: { dim: ({ dim_value: number } | { dim_param: string })[] } };
  };
}

export interface ModelMessage {
  ir_version: number;
  producer_name: string;
  opset_import: { domain: string; version: number }[];
  graph: {
    name: string;
    node: NodeMessage[];
    initializer: TensorMessage[];
    input: ValueMessage[];
    output: ValueMessage[];
  };
}

/** A model as the bytes of an .onnx file. */
export function encodeModel(model: ModelMessage): Uint8Array {
  return encode(modelType, { ...model }, protobuf.Writer.create()).finish();
}

const lengthDelimited = 2;

const wireTypes: Readonly<Record<string, number>> = protobuf.types.basic;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Writes a message field by field. protobufjs would do it with code that it generates, which browsers refuse under a
 * content security policy without 'unsafe-eval'.
 */
function encode(type: protobuf.Type, message: Fields, writer: protobuf.Writer): protobuf.Writer {
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    if (value !== undefined) encodeField(field, value, writer);
  }
  return writer;
}

function encodeField(field: protobuf.Field, value: unknown, writer: protobuf.Writer): void {
  const { id, type, resolvedType, repeated } = field;
  if (repeated && type in protobuf.types.packed) {
    if ((value as readonly number[]).length === 0) return;
    writer.uint32((id << 3) | lengthDelimited).fork();
    for (const item of value as readonly number[]) encodeScalar(type, item, writer);
    writer.ldelim();
    return;
  }
  for (const item of repeated ? (value as readonly unknown[]) : [value]) {
    if (resolvedType instanceof protobuf.Type) {
      writer.uint32((id << 3) | lengthDelimited).fork();
      encode(resolvedType, item as Fields, writer).ldelim();
    } else {
      writer.uint32((id << 3) | (wireTypes[type] ?? lengthDelimited));
      encodeScalar(type, item, writer);
    }
  }
}

function encodeScalar(type: string, value: unknown, writer: protobuf.Writer): void {
  if (type === "bytes") writer.bytes(value as Uint8Array);
  else if (type === "string") writer.string(value as string);
  else if (type === "float") writer.float(value as number);
  else if (type === "int32") writer.int32(value as number);
  else if (type === "int64") writer.int64(value as number);
  else throw new RangeError(`onnx: a field of type ${type} has no encoding`);
}
