import { nGrams } from "./n-grams.ts";

/** Longest runs of words that count. */
export const bleuOrders = [1, 2, 3, 4] as const;

// COCO's, which keep a score without any match above 0.
const matchFloor = 1e-15;
const totalFloor = 1e-9;

/** The counts of one caption, which add up over the corpus. */
export interface BleuCounts {
  /** Words of the caption. */
  readonly length: number;
  /** Words of the reference closest to it in length, of two equally close ones the shorter. */
  readonly referenceLength: number;
  /** Runs of 1 to 4 words that are in a reference too, at most as often as there. */
  readonly matches: readonly number[];
  /** Runs of 1 to 4 words. */
  readonly totals: readonly number[];
}

/** @param references word by word, at least one */
export function bleuCounts(
  caption: readonly string[],
  references: readonly (readonly string[])[],
): BleuCounts {
  const lengths = references.map(({ length }) => length).toSorted((a, b) => a - b);
  const distance = (length: number): number => Math.abs(length - caption.length);
  const referenceLength = lengths.reduce((best, length) =>
    distance(length) < distance(best) ? length : best,
  );
  const matches = bleuOrders.map((order) => {
    const inReferences = references.map((reference) => nGrams(reference, order));
    const most = (gram: string): number => Math.max(...inReferences.map((counts) => counts.get(gram) ?? 0));
    return [...nGrams(caption, order)].reduce((sum, [gram, count]) => sum + Math.min(count, most(gram)), 0);
  });
  const totals = bleuOrders.map((order) => Math.max(0, caption.length - order + 1));
  return { length: caption.length, referenceLength, matches, totals };
}

/**
 * BLEU-1 to BLEU-4 of all captions together (Papineni et al., 2002), as COCO's caption evaluation computes it: the
 * geometric mean of the shares of runs that match, with a penalty where captions are shorter than their references.
 */
export function bleu(counts: readonly BleuCounts[]): number[] {
  const sum = (of: (one: BleuCounts) => number): number => counts.reduce((total, one) => total + of(one), 0);
  const length = sum((one) => one.length);
  const referenceLength = sum((one) => one.referenceLength);
  const ratio = (length + matchFloor) / (referenceLength + totalFloor);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return bleuOrders.map((order, i) => {
    product *= (sum((one) => one.matches[i]) + matchFloor) / (sum((one) => one.totals[i]) + totalFloor);
    return product ** (1 / order) * brevity;
  });
}
