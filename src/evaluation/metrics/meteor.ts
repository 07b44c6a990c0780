import { stemmer } from "stemmer";

const alpha = 0.9;
const beta = 3;
const gamma = 0.5;

/** Positions of words that belong together, by position in the caption. */
type Alignment = Map<number, number>;

/**
 * A score like METEOR (Banerjee and Lavie, 2005), the best over the references: words that are equal, and of the rest
 * those with the same stem (Porter's), pair up; recall counts nine times as much as precision, and scattered matches
 * cost up to half.
 *
 * It is METEOR as NLTK computes it (words pair from the end on), without the synonyms of WordNet. It is not METEOR 1.5,
 * the program that COCO's caption evaluation calls, which also knows synonyms, paraphrases and function words: its
 * numbers are lower and cannot be compared with these.
 */
export function meteorLike(caption: readonly string[], references: readonly (readonly string[])[]): number {
  return Math.max(0, ...references.map((reference) => againstOne(caption, reference)));
}

function againstOne(caption: readonly string[], reference: readonly string[]): number {
  const pairs: Alignment = new Map();
  align(caption, reference, pairs);
  align(caption.map(stemmer), reference.map(stemmer), pairs);
  if (pairs.size === 0) return 0;
  const precision = pairs.size / caption.length;
  const recall = pairs.size / reference.length;
  const mean = (precision * recall) / (alpha * precision + (1 - alpha) * recall);
  return mean * (1 - gamma * (chunks(pairs) / pairs.size) ** beta);
}

/** Pairs equal words that have no partner yet. */
function align(caption: readonly string[], reference: readonly string[], pairs: Alignment): void {
  const taken = new Set(pairs.values());
  const free = new Map<string, number[]>();
  for (const [position, word] of reference.entries()) {
    if (!taken.has(position)) free.set(word, [...(free.get(word) ?? []), position]);
  }
  for (let position = caption.length - 1; position >= 0; position--) {
    if (pairs.has(position)) continue;
    const partner = free.get(caption[position])?.pop();
    if (partner !== undefined) pairs.set(position, partner);
  }
}

/** How many runs of pairs follow each other in both texts. */
function chunks(pairs: Alignment): number {
  return [...pairs].filter(([position, partner]) => pairs.get(position - 1) !== partner - 1).length;
}
