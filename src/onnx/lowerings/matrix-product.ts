import { float32 } from "../../tensor/index.ts";
import type { Writer } from "../writer.ts";

/** A product of matrices, operands and factor as names and flags. */
export interface MatrixProduct {
  readonly a: string;
  readonly b: string;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
  readonly ranks: readonly [number, number];
}

const swapLast = (rank: number): number[] => {
  const axes = Array.from({ length: rank }, (_, i) => i);
  return [...axes.slice(0, -2), rank - 1, rank - 2];
};

/** Gemm for matrices; for more axes FusedMatMul where it exists, elsewhere transposes, MatMul and a factor. */
export function emitProduct(product: MatrixProduct, result: string, writer: Writer): void {
  const { a, b, transposeA, transposeB, alpha, ranks } = product;
  if (ranks[0] === 2 && ranks[1] === 2) {
    const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } };
    writer.emit("Gemm", [a, b], [result], attributes);
    return;
  }
  if (writer.kernels.fusedMatMul) {
    const attributes = { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } };
    writer.emit("FusedMatMul", [a, b], [result], attributes);
    return;
  }
  const left = transposeA ? writer.node("Transpose", [a], { perm: swapLast(ranks[0]) }) : a;
  const right = transposeB ? writer.node("Transpose", [b], { perm: swapLast(ranks[1]) }) : b;
  if (alpha === 1) writer.emit("MatMul", [left, right], [result]);
  else
    writer.emit(
      "Mul",
      [writer.node("MatMul", [left, right]), writer.constant(float32([alpha], []))],
      [result],
    );
}
