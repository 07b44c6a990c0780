import { float32, quantizedOperands } from "../../tensor/index.ts";
import { elementTypes, integerConstant } from "../writer.ts";
import type { Lowering } from "./lowering.ts";

/** `accuracy_level` of MatMulNBits: 1 computes in float32, 4 rounds blocks of activations to 8 bits. */
const accuracyLevels = { float32: 1, int8: 4 };

/** MatMulNBits takes weights just as a quantised weight packs them. */
export const quantizedLinear: Lowering<"quantizedLinear"> = (node, writer) => {
  const names = node.inputs.map((tensor) => writer.nameOf(tensor));
  const { x, packed, scales, zeroPoints = "", bias } = quantizedOperands(node, names);
  const { bits, blockSize, activations } = node.attributes;
  // Between zero points and bias stands the order of groups, which nothing here changes.
  const optional = bias === undefined ? (zeroPoints === "" ? [] : [zeroPoints]) : [zeroPoints, "", bias];
  writer.emit("MatMulNBits", [x, packed, scales, ...optional], [writer.nameOf(node.outputs[0])], {
    K: node.inputs[0].shape.at(-1)!.size!,
    N: node.inputs[1].shape[0].size!,
    bits,
    block_size: blockSize,
    accuracy_level: accuracyLevels[activations],
  });
};

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
