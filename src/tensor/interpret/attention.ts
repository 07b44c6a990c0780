import { cachedParts } from "../operators/attention.ts";
import { checkedIndex, entry, type Float64Tensor, sumOver, tabulate } from "./float64-tensor.ts";
import { softmaxOf } from "./normalization.ts";
import type { Reference } from "./reference.ts";

/** One entry of a head rotated by its position's angle; entry i of the first half pairs with entry i of the second. */
function turned(
  x: ArrayLike<number>,
  index: number,
  position: number,
  cos: Float64Tensor,
  sin: Float64Tensor,
): number {
  const half = cos.dims[1];
  const angle = [checkedIndex("rotary", position, cos.dims[0]), index % half];
  const partner = index < half ? -x[index + half] : x[index - half];
  return x[index] * entry(cos, angle) + partner * entry(sin, angle);
}

export const rotary: Reference<"rotary"> = (_, [x, positions, cos, sin]) => {
  const headDim = x.dims[3];
  return [
    tabulate(x.dims, ([batch, head, token, index]) => {
      const start = ((batch * x.dims[1] + head) * x.dims[2] + token) * headDim;
      const row = x.data.subarray(start, start + headDim);
      return turned(row, index, entry(positions, [batch, token]), cos, sin);
    }),
  ];
};

/** The context and the attention probabilities. */
export const attention: Reference<"attention"> = (node, [q, k, v, mask]) => {
  const { scale, causal } = node.attributes;
  const [batches, heads, queries, headDim] = q.dims;
  const keys = k.dims[2];
  const scores = tabulate([batches, heads, queries, keys], ([b, h, query, key]) => {
    if (causal && key > query) return -Infinity;
    const product = sumOver(headDim, (i) => entry(q, [b, h, query, i]) * entry(k, [b, h, key, i]));
    return scale * product + (mask ? entry(mask, [b, h, query, key]) : 0);
  });
  const probabilities = softmaxOf(scores);
  const context = tabulate(q.dims, ([b, h, query, i]) =>
    sumOver(keys, (key) => entry(probabilities, [b, h, query, key]) * entry(v, [b, h, key, i])),
  );
  return [context, probabilities];
};

/** A number in 8 bits, in steps of a scale. */
function rounded(value: number, scale: number): number {
  const steps = value / scale;
  const near = Math.round(steps);
  // What lies between two whole numbers goes to the even one.
  const even = Math.abs(steps - Math.trunc(steps)) === 0.5 && near % 2 !== 0 ? near - 1 : near;
  return Math.max(-128, Math.min(127, even));
}

/**
 * The context and both caches. What the contract leaves open is 0 here: the context of padding, and cache
 * rows that hold no token.
 */
export const cachedAttention: Reference<"cachedAttention"> = (node, operands) => {
  const { heads, keyValueHeads, scale, window = Infinity, cap } = node.attributes;
  const parts = cachedParts(node, operands);
  const { query, key, value, pastKey, pastValue, lastPosition, totalLength, scales, positions } = parts;
  const [cos, sin] = positions.length === 2 ? positions : [];
  const slopes = positions.length === 1 ? positions[0] : undefined;
  const [batches, tokens] = query.dims;
  const headDim = pastKey.dims[3];
  const prefill = totalLength.data[0] === tokens;
  const firstPosition = (batch: number): number => (prefill ? 0 : lastPosition.data[batch] + 1 - tokens);

  const headRow = (x: Float64Tensor, batch: number, token: number, head: number): number[] =>
    Array.from({ length: headDim }, (_, i) => entry(x, [batch, token, head * headDim + i]));
  const turnedRow = (row: readonly number[], position: number): number[] =>
    cos && sin ? row.map((_, i) => turned(row, i, position, cos, sin)) : [...row];

  const scaleAt = (scale: Float64Tensor | undefined, head: number, i: number): number =>
    scale ? entry(scale, [head, 0, i]) : 1;
  const kept = (x: number, scale: Float64Tensor | undefined, head: number, i: number): number =>
    scale ? rounded(x, scaleAt(scale, head, i)) : x;
  const present = (
    past: Float64Tensor,
    added: Float64Tensor,
    turn: boolean,
    scale: Float64Tensor | undefined,
  ): Float64Tensor =>
    tabulate(past.dims, ([batch, head, position, i]) => {
      if (position > lastPosition.data[batch]) return 0;
      const token = position - firstPosition(batch);
      if (token < 0) return entry(past, [batch, head, position, i]);
      const row = headRow(added, batch, token, head);
      return kept(turn ? turnedRow(row, position)[i] : row[i], scale, head, i);
    });
  const presentKey = present(pastKey, key, true, scales?.key);
  const presentValue = present(pastValue, value, false, scales?.value);

  const split = tabulate([batches, tokens, heads, headDim], ([batch, token, head, i]) => {
    const position = firstPosition(batch) + token;
    if (position > lastPosition.data[batch]) return 0;
    const shared = Math.floor((head * keyValueHeads) / heads);
    const row = turnedRow(headRow(query, batch, token, head), position);
    const scores = tabulate([position + 1], ([keyPosition]) => {
      if (keyPosition <= position - window) return -Infinity;
      const product = sumOver(
        headDim,
        (j) =>
          scale *
          row[j] *
          scaleAt(scales?.key, shared, j) *
          entry(presentKey, [batch, shared, keyPosition, j]),
      );
      const capped = cap === undefined ? product : cap * Math.tanh(product / cap);
      return capped + (slopes ? entry(slopes, [head]) * keyPosition : 0);
    });
    const weights = softmaxOf(scores).data;
    return sumOver(
      position + 1,
      (keyPosition) =>
        weights[keyPosition] *
        scaleAt(scales?.value, shared, i) *
        entry(presentValue, [batch, shared, keyPosition, i]),
    );
  });
  return [{ dims: query.dims, data: split.data }, presentKey, presentValue];
};
