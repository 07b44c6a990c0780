import { editDistance } from "../../platform/index.ts";

/** Similarities below this are taken for another answer instead of a misspelt one. */
const threshold = 0.5;

/**
 * Similarity of an answer to the closest of its references: 1 − edit distance ÷ the longer one's length, 0 below one
 * half; capitals and runs of spaces do not count. Its mean over questions is the average normalised Levenshtein
 * similarity, ANLS (Biten et al., Scene Text Visual Question Answering, 2019). The paper drops similarities of exactly
 * one half, the challenge's released code keeps them, and so is it here.
 */
export function anls(answer: string, references: readonly string[]): number {
  const given = plain(answer);
  const best = Math.max(0, ...references.map((reference) => similarity(given, plain(reference))));
  return best < threshold ? 0 : best;
}

const plain = (text: string): string[] => [...text.toLowerCase().trim().replace(/\s+/g, " ")];

function similarity(a: readonly string[], b: readonly string[]): number {
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 1 : 1 - editDistance(a, b) / longer;
}
