import { attention, type Tensor } from "../../tensor/index.ts";
import { joinHeads, splitHeads } from "../heads.ts";
import type { TowerConfig } from "./tower.ts";

/** What an attention reads, each [images, tokens, hidden]. */
export interface Projections {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
}

/**
 * The context of self-attention over all tokens of a picture, of projections that are parameters of their own.
 *
 * @param turned what positions do to queries and keys, [images, heads, tokens, headDim]; nothing if absent
 * @returns [images, tokens, hidden], before the output's projection
 */
export function separateAttention(
  { query, key, value }: Projections,
  { heads, hidden }: Pick<TowerConfig, "heads" | "hidden">,
  turned: (x: Tensor) => Tensor = (x) => x,
): Tensor {
  const [q, k] = [query, key].map((x) => turned(splitHeads(x, heads)));
  const context = attention(q, k, splitHeads(value, heads), { scale: 1 / Math.sqrt(hidden / heads) });
  return joinHeads(context, query.shape[2]);
}
