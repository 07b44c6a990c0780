import { makeNode, makeTensor, type OperatorKind, operandError, type Tensor } from "../node.ts";
import { sameDim, sameShape } from "../shape.ts";
import { requireFloat } from "./elementwise.ts";

function requireIndices(kind: OperatorKind, indices: Tensor): void {
  if (indices.dtype !== "int64") throw operandError(kind, "indices are int64", indices);
}

/** Rows of a table: table [rows, ...rest], indices int64 of any shape → [...indices, ...rest]. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  requireIndices("gather", indices);
  if (table.shape.length === 0) throw operandError("gather", "the table has at least one axis", table);
  return makeTensor("gather", [table, indices], {}, table.dtype, [...indices.shape, ...table.shape.slice(1)]);
}

function requireDepth(kind: OperatorKind, x: Tensor, indices: Tensor): number {
  requireIndices(kind, indices);
  const depth = indices.shape[1]?.size;
  if (indices.shape.length !== 2 || depth === undefined || depth < 1 || depth > x.shape.length) {
    throw operandError(kind, "indices are [count, depth] with 1 <= depth <= the operand's axes", indices, x);
  }
  return depth;
}

/** Entries of x: indices int64 [count, depth] name the first `depth` axes → [count, ...rest]. */
export function gatherNd(x: Tensor, indices: Tensor): Tensor {
  const depth = requireDepth("gatherNd", x, indices);
  return makeTensor("gatherNd", [x, indices], {}, x.dtype, [indices.shape[0], ...x.shape.slice(depth)]);
}

/**
 * x with the entries that indices [count, depth] name replaced by (or, reduction "add", increased by) updates
 * [count, ...rest]. Without "add" an entry may be named only once.
 */
export function scatterNd(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  reduction: "none" | "add" = "none",
): Tensor {
  requireFloat("scatterNd", x, updates);
  const depth = requireDepth("scatterNd", x, indices);
  if (!sameShape(updates.shape, [indices.shape[0], ...x.shape.slice(depth)])) {
    throw operandError(
      "scatterNd",
      "updates are [count, ...the operand's axes that indices leave]",
      x,
      indices,
      updates,
    );
  }
  return makeTensor("scatterNd", [x, indices, updates], { reduction }, "float32", x.shape);
}

/**
 * −log softmax(logits)[label] for every row: logits [rows, vocabulary], labels int64 [rows] → [rows].
 * Rows that do not count keep any valid label and get weight 0 from the caller.
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  requireFloat("crossEntropy", logits);
  requireIndices("crossEntropy", labels);
  if (logits.shape.length !== 2 || labels.shape.length !== 1 || !sameDim(logits.shape[0], labels.shape[0])) {
    throw operandError("crossEntropy", "logits are [rows, vocabulary] and labels [rows]", logits, labels);
  }
  return makeNode("crossEntropy", [logits, labels], {}, [
    { dtype: "float32", shape: labels.shape },
    { dtype: "float32", shape: logits.shape },
  ])[0];
}
