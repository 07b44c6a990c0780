import type { Tokenizer } from "../tokenizer/index.ts";

/**
 * The ids of a model that stand for no token of its tokenizer: a model's vocabulary is often padded to a round number,
 * and a tokenizer's may have holes.
 *
 * @param vocabulary how many ids the model has
 */
export function tokenlessIds({ hasToken }: Pick<Tokenizer, "hasToken">, vocabulary: number): number[] {
  return Array.from({ length: vocabulary }, (_, id) => id).filter((id) => !hasToken(id));
}

/** Takes ids out of the choice: their logits become −∞. One that ends an answer stays, since nobody reads it. */
export function forbidIds(
  logits: Float32Array,
  ids: readonly number[],
  eosTokenIds: readonly number[],
): void {
  for (const id of ids) if (!eosTokenIds.includes(id)) logits[id] = Number.NEGATIVE_INFINITY;
}
