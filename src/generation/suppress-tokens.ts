import type { Tokenizer } from "../tokenizer/index.ts";

/**
 * The ids of a model that stand for no token of its tokenizer: a model's vocabulary is often padded to a round number,
 * and a tokenizer's may have holes.
 *
 * @param vocabulary how many ids the model has
 */
export function idsWithoutToken({ hasToken }: Pick<Tokenizer, "hasToken">, vocabulary: number): number[] {
  return Array.from({ length: vocabulary }, (_, id) => id).filter((id) => !hasToken(id));
}

/** Sets the logits of ids to −∞, so that they are never sampled; an end-of-sequence id stays, since it makes no text. */
export function suppressTokens(
  logits: Float32Array,
  ids: readonly number[],
  eosTokenIds: readonly number[],
): void {
  for (const id of ids) if (!eosTokenIds.includes(id)) logits[id] = Number.NEGATIVE_INFINITY;
}
