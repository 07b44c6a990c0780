import { type Dim, dim, matmul, reshape, type Tensor } from "../../tensor/index.ts";

// Products of attention in plain operators. Queries that share keys are rows of one product, so that keys are not repeated.

function rowsOf(query: Tensor, shared: Dim): Dim {
  const [, heads, tokens] = query.shape;
  return shared.size === heads.size ? tokens : dim("group·sequence_length");
}

/** scale · q kᵀ for queries [batch, heads, tokens, headDim] and keys [batch, keyValueHeads, total, headDim]: [batch, heads, tokens, total]. */
export function groupedScores(query: Tensor, key: Tensor, scale: number): Tensor {
  const [batch, heads, tokens, headDim] = query.shape;
  const [, shared, total] = key.shape;
  const rows = reshape(query, [batch, shared, rowsOf(query, shared), headDim]);
  return reshape(matmul(rows, key, { transposeB: true, alpha: scale }), [batch, heads, tokens, total]);
}

/** Values [batch, keyValueHeads, total, headDim] weighted by shares [batch, heads, tokens, total]: [batch, heads, tokens, headDim]. */
export function groupedContext(shares: Tensor, value: Tensor): Tensor {
  const [batch, heads, tokens, total] = shares.shape;
  const [, shared, , headDim] = value.shape;
  const rows = reshape(shares, [batch, shared, rowsOf(shares, shared), total]);
  return reshape(matmul(rows, value), [batch, heads, tokens, headDim]);
}
