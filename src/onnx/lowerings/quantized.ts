import { float32, type GraphNode, quantizedOperands } from "../../tensor/index.ts";
import { elementTypes, integerConstant, type Writer } from "../writer.ts";
import { type Lowering, namesOf } from "./lowering.ts";

/** `accuracy_level` of MatMulNBits: 1 computes in float32, 4 rounds blocks of activations to 8 bits. */
const accuracyLevels = { float32: 1, int8: 4 };

/** MatMulNBits takes weights just as a quantised weight packs them. */
export const quantizedLinear: Lowering<"quantizedLinear"> = (node, writer) => {
  const rows = node.inputs[1].shape[0].size!;
  blockProduct(node, namesOf(node.inputs, writer), { name: writer.nameOf(node.outputs[0]), rows }, writer);
};

/** A product of these operands, which stand for those of a node, with a weight of so many rows. */
export function blockProduct(
  node: GraphNode<"quantizedLinear">,
  operands: readonly string[],
  result: { readonly name: string; readonly rows: number },
  writer: Writer,
): void {
  const { x, packed, scales, zeroPoints = "", bias } = quantizedOperands(node, operands);
  const { bits, blockSize, activations } = node.attributes;
  // Between zero points and bias stands the order of groups, which nothing here changes.
  const optional = bias === undefined ? (zeroPoints === "" ? [] : [zeroPoints]) : [zeroPoints, "", bias];
  writer.emit("MatMulNBits", [x, packed, scales, ...optional], [result.name], {
    K: node.inputs[0].shape.at(-1)!.size!,
    N: result.rows,
    bits,
    block_size: blockSize,
    accuracy_level: accuracyLevels[activations],
  });
}

/** In whole numbers where the target multiplies them exactly, and in blocks elsewhere. */
export const rowQuantizedLinear: Lowering<"rowQuantizedLinear"> = (node, writer) => {
  if (writer.kernels.integerProducts && node.attributes.activations === "int8") integerProduct(node, writer);
  else productOfBlocks(node, writer);
};

/** Unsigned bytes are counted from here. */
const middle = 128;
/** Of a row of zeros, which has no largest number to divide by. */
const leastRange = 1e-30;

const number = (writer: Writer, value: number): string => writer.constant(float32([value], []));
const byte = (writer: Writer, value: number): string =>
  writer.constant({ dtype: "uint8", dims: [], data: Uint8Array.of(value) });

/**
 * Each row of x as unsigned bytes u with a scale and a zero point z of its own, times the weight's signed bytes q: Σ (u − z) q is exact,
 * so that no row depends on the others. A scale after the other: ONNX Runtime fuses a product of both with a bias behind it into
 * MatMulIntegerToFloat, which is slower and multiplies the bias, too.
 */
function integerProduct(node: GraphNode<"rowQuantizedLinear">, writer: Writer): void {
  const [x, packed, scales, sums, bias] = node.inputs.map((tensor) => writer.nameOf(tensor));
  const { bytes, scale, zero } = rowsAsBytes(x, writer);
  const toInt32 = { to: elementTypes.int32 };
  const ofZero = writer.node("Mul", [
    writer.node("Cast", [zero], toInt32),
    writer.node("Cast", [sums], toInt32),
  ]);
  const whole = writer.node("Sub", [writer.node("MatMulInteger", [bytes, packed]), ofZero]);
  const ofRows = writer.node("Mul", [writer.node("Cast", [whole], { to: elementTypes.float32 }), scale]);
  const result = writer.nameOf(node.outputs[0]);
  if (bias === undefined) writer.emit("Mul", [ofRows, scales], [result]);
  else writer.emit("Add", [writer.node("Mul", [ofRows, scales]), bias], [result]);
}

/** x = scale · (bytes − zero), a row's numbers and 0 spread over all 256; zeros stay zeros, as a zero point is a whole number. */
function rowsAsBytes(x: string, writer: Writer): { bytes: string; scale: string; zero: string } {
  const last = integerConstant(writer, [-1]);
  const none = number(writer, 0);
  const high = writer.node("Max", [writer.node("ReduceMax", [x, last], { keepdims: 1 }), none]);
  const low = writer.node("Min", [writer.node("ReduceMin", [x, last], { keepdims: 1 }), none]);
  const range = writer.node("Max", [writer.node("Sub", [high, low]), number(writer, leastRange)]);
  const scale = writer.node("Mul", [range, number(writer, 1 / 255)]);
  const inverse = writer.node("Reciprocal", [scale]);
  const zero = writer.node("Round", [writer.node("Neg", [writer.node("Mul", [low, inverse])])]);
  const placed = writer.node("Add", [writer.node("Mul", [x, inverse]), zero]);
  // QuantizeLinear rounds and saturates.
  const bytes = writer.node("QuantizeLinear", [placed, number(writer, 1), byte(writer, 0)]);
  return { bytes, scale, zero };
}

/**
 * The same weight in blocks that MatMulNBits takes, all of them with their row's scale. Constants are laid out anew when the program
 * is compiled, which takes seconds for a large vision encoder.
 */
function productOfBlocks(node: GraphNode<"rowQuantizedLinear">, writer: Writer): void {
  const [x, packed, scales, , bias] = node.inputs.map((tensor) => writer.nameOf(tensor));
  const [width, rows] = node.inputs[1].shape.map(({ size }) => size!);
  const blockSize = [128, 64, 32, 16].find((size) => width % size === 0) ?? 16;
  const blocks = Math.ceil(width / blockSize);
  const missing = blocks * blockSize - width;
  const transposed = writer.node("Transpose", [packed], { perm: [1, 0] });
  const bytes = writer.node("Cast", [transposed], { to: elementTypes.uint8 });
  const unsigned = writer.node("BitwiseXor", [bytes, byte(writer, middle)]);
  const pads = integerConstant(writer, [0, 0, 0, missing]);
  const filled = missing === 0 ? unsigned : writer.node("Pad", [unsigned, pads, byte(writer, middle)]);
  const shape = integerConstant(writer, [rows, blocks, blockSize]);
  const column = writer.node("Unsqueeze", [scales, integerConstant(writer, [1])]);
  const ofBlocks = writer.node("Expand", [column, integerConstant(writer, [rows, blocks])]);
  writer.emit(
    "MatMulNBits",
    [x, writer.node("Reshape", [filled, shape]), ofBlocks, ...(bias === undefined ? [] : ["", "", bias])],
    [writer.nameOf(node.outputs[0])],
    {
      K: width,
      N: rows,
      bits: 8,
      block_size: blockSize,
      accuracy_level: accuracyLevels[node.attributes.activations],
    },
  );
}

/** Few rows are read at once, so plain operators do: scale · (q − 128), block by block. */
export const quantizedGather: Lowering<"quantizedGather"> = (node, writer) => {
  const [packed, scales, indices] = node.inputs.map((tensor) => writer.nameOf(tensor));
  const last = integerConstant(writer, [-1]);
  const rows = writer.node("Gather", [packed, indices], { axis: 0 });
  const numbers = writer.node("Cast", [rows], { to: elementTypes.float32 });
  const centred = writer.node("Sub", [numbers, writer.constant(float32([128], []))]);
  const factors = writer.node("Unsqueeze", [writer.node("Gather", [scales, indices], { axis: 0 }), last]);
  const scaled = writer.node("Mul", [centred, factors]);
  const places = node.inputs[2].shape.map(() => 0);
  const flat = writer.node("Reshape", [scaled, integerConstant(writer, [...places, -1])]);
  const width = integerConstant(writer, [node.outputs[0].shape.at(-1)!.size!]);
  writer.emit("Slice", [flat, integerConstant(writer, [0]), width, last], [writer.nameOf(node.outputs[0])]);
};

/** A row of the table is a column of its bytes: few are read at once, so plain operators do. */
export const rowQuantizedGather: Lowering<"rowQuantizedGather"> = (node, writer) => {
  const [packed, scales, indices] = node.inputs.map((tensor) => writer.nameOf(tensor));
  const columns = writer.node("Gather", [packed, indices], { axis: 1 });
  // [width, ...indices] → [...indices, width]
  const depth = node.inputs[2].shape.length;
  const perm = Array.from({ length: depth + 1 }, (_, i) => (i + 1) % (depth + 1));
  const rows = writer.node("Transpose", [columns], { perm });
  const numbers = writer.node("Cast", [rows], { to: elementTypes.float32 });
  const last = integerConstant(writer, [-1]);
  const factors = writer.node("Unsqueeze", [writer.node("Gather", [scales, indices], { axis: 0 }), last]);
  writer.emit("Mul", [numbers, factors], [writer.nameOf(node.outputs[0])]);
};
