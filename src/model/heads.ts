import { type Dim, dim, reshape, type Tensor, transpose } from "../tensor/index.ts";

/** [batch, tokens, heads · headDim] as [batch, heads, tokens, headDim]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = x.shape;
  const headDim = dim("headDim", width.size! / heads);
  return transpose(reshape(x, [batch, tokens, dim("heads", heads), headDim]), [0, 2, 1, 3]);
}

/** [batch, heads, tokens, headDim] as [batch, tokens, hidden]. */
export function joinHeads(x: Tensor, hidden: Dim): Tensor {
  const [batch, , tokens] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, tokens, hidden]);
}
