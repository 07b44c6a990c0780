import { PromptError, type RowText, type TrainingSample } from "../prompt/index.ts";
import { allocate, type HostTensor } from "../tensor/index.ts";
import { type CollateOptions, collate, type TokenBatch } from "./collate.ts";
import { type EncodingOptions, encodeText } from "./encode-text.ts";
import type { Example } from "./example.ts";
import type { TokenRow } from "./token-row.ts";

/** An example of two answers to one conversation. */
export interface PairExample extends Example {
  /** See {@link PairRow}. */
  readonly reference: number;
}

/** Two answers to one conversation, ready for a batch. */
export interface PairRow {
  readonly chosen: TokenRow;
  readonly rejected: TokenRow;
  /** How much likelier the better one is, as a logarithm, by the model that the run began with. */
  readonly reference: number;
}

/**
 * The tokens of two answers to one conversation. Only what they do not begin alike with is learned: the rest has the same
 * probability in both.
 *
 * @param where the row's name, for errors
 * @throws PromptError where they are the same, differ before the answer, or do not both fit in whole
 */
export function encodePair(
  { text, rejected }: { readonly text: RowText; readonly rejected: RowText },
  where: string,
  options: EncodingOptions,
): readonly [chosen: TrainingSample, rejected: TrainingSample] {
  const [one, other] = [text, rejected].map((conversation) => encodeText(conversation, where, options));
  const left = ({ turnsLeftOut = 0 }: TrainingSample): number => turnsLeftOut;
  if (one.isCut || other.isCut || left(one) !== left(other)) {
    const longer = Math.max(one.ids.length, other.ids.length) - 1;
    throw new PromptError(
      `${where}: both answers must fit in whole into ${options.maxTokens} tokens, behind the same turns, got ${longer} tokens and more; raise maxTokens or shorten the row`,
    );
  }
  const common = one.ids.findIndex((id, t) => id !== other.ids[t]);
  const from = common < 0 ? one.ids.length : common;
  if (from === one.ids.length && from === other.ids.length)
    throw new PromptError(`${where}: chosen and rejected must differ, got the same answer twice`);
  const [learned, others] = [learnedFrom(one, from), learnedFrom(other, from)];
  const begins = [one, other].some(({ ids, lossMask }) => from < ids.length && !lossMask[from]);
  if (begins || !learned.lossMask.includes(true) || !others.lossMask.includes(true))
    throw new PromptError(
      `${where}: chosen and rejected must differ in their answers alone, got other differences`,
    );
  return [learned, others];
}

function learnedFrom(sample: TrainingSample, from: number): TrainingSample {
  return { ...sample, lossMask: sample.lossMask.map((isLearned, t) => isLearned && t >= from) };
}

/**
 * Puts pairs into one batch, as `preferenceObjective` takes it: rows are better, other, better, other, …, and each pair is one
 * label.
 */
export function collatePairs(
  pairs: readonly PairRow[],
  options: Omit<CollateOptions, "sequenceTokens">,
): TokenBatch {
  const batch = collate(
    pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]),
    options,
  );
  const { loss_weights: weights, loss_rows: rows } = batch.feeds;
  const ones = allocate("float32", [pairs.length]);
  ones.data.fill(1);
  const reference = allocate("float32", [pairs.length]);
  for (const [i, pair] of pairs.entries()) reference.data[i] = pair.reference;
  return {
    ...batch,
    feeds: {
      ...batch.feeds,
      loss_weights: ones,
      reference,
      pair_signs: pairSigns(pairs.length, batch.sizes.tokens, weights, rows),
    },
    labelCount: pairs.length,
    rowNames: pairs.map(({ chosen }) => chosen.name),
  };
}

/** 1 at positions of a pair's better answer, −1 at those of the other one: [pairs, losses]. */
function pairSigns(
  pairs: number,
  tokens: number,
  weights: HostTensor,
  rows: HostTensor | undefined,
): HostTensor<"float32"> {
  const losses = weights.data.length;
  const signs = allocate("float32", [pairs, losses]);
  for (let i = 0; i < losses; i++) {
    if (Number(weights.data[i]) === 0) continue;
    const row = Math.floor(Number(rows === undefined ? i : rows.data[i]) / tokens);
    signs.data[(row >> 1) * losses + i] = row % 2 === 0 ? 1 : -1;
  }
  return signs;
}
