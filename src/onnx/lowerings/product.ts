import { isStatic, type Shape, staticSizes } from "../../tensor/index.ts";
import { integerConstant } from "../writer.ts";
import { type Lowering, namesOf } from "./lowering.ts";
import { emitProduct } from "./matrix-product.ts";

export const matmul: Lowering<"matmul"> = (node, writer) => {
  const [a, b] = node.inputs;
  const { transposeA, transposeB, alpha } = node.attributes;
  const ranks = [a.shape.length, b.shape.length] as const;
  const product = { a: writer.nameOf(a), b: writer.nameOf(b), transposeA, transposeB, alpha, ranks };
  const isRearranged =
    transposeA &&
    !transposeB &&
    writer.kernels.gemmRepeatsTranspose &&
    ranks[0] === 2 &&
    isWideMatrix(b.shape);
  const left = isRearranged ? writer.node("Transpose", [product.a], { perm: [1, 0] }) : product.a;
  const rest = isRearranged ? { a: left, transposeA: false } : {};
  emitProduct({ ...product, ...rest }, writer.nameOf(node.outputs[0]), writer);
};

/**
 * Columns from which on a product is faster when its transposed left side is rearranged first: ONNX Runtime's kernel for
 * the CPU does that anew for every 128 columns of the result. `Device` keeps its optimizer from undoing it.
 */
const wideColumns = 320;
const isWideMatrix = (shape: Shape): boolean => shape.length === 2 && (shape[1].size ?? 0) >= wideColumns;

/** One Gemm, bias included, where the sizes are known; reshapes cost nothing. */
export const linear: Lowering<"linear"> = (node, writer) => {
  const [x, weight, bias] = node.inputs;
  const result = writer.nameOf(node.outputs[0]);
  const rest = namesOf(bias ? [weight, bias] : [weight], writer);
  if (x.shape.length === 2) {
    writer.emit("Gemm", [writer.nameOf(x), ...rest], [result], { transB: 1 });
    return;
  }
  if (isStatic(node.outputs[0].shape)) {
    const width = x.shape.at(-1)!.size!;
    const rows = writer.node("Reshape", [writer.nameOf(x), integerConstant(writer, [-1, width])]);
    const flat = writer.node("Gemm", [rows, ...rest], { transB: 1 });
    const sizes = staticSizes(node.outputs[0].shape, "linear");
    writer.emit("Reshape", [flat, integerConstant(writer, sizes)], [result]);
    return;
  }
  const ranks = [x.shape.length, 2] as const;
  const product = { a: writer.nameOf(x), b: rest[0], transposeA: false, transposeB: true, alpha: 1, ranks };
  if (!bias) {
    emitProduct(product, result, writer);
    return;
  }
  const plain = `${result}_without_bias`;
  emitProduct(product, plain, writer);
  writer.emit("Add", [plain, rest[1]], [result]);
};
