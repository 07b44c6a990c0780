/** How much more recall counts than precision, in COCO's caption evaluation. */
const beta = 1.2;

/**
 * ROUGE-L of a caption (Lin, 2004), as COCO's caption evaluation computes it: the longest common subsequence with each
 * reference as a share of the caption and of the reference, the best of each, and their weighted harmonic mean.
 */
export function rougeL(caption: readonly string[], references: readonly (readonly string[])[]): number {
  if (caption.length === 0) return 0;
  const common = references.map((reference) => commonSubsequence(caption, reference));
  const precision = Math.max(...common) / caption.length;
  const recall = Math.max(...references.map(({ length }, i) => (length === 0 ? 0 : common[i] / length)));
  if (precision === 0 || recall === 0) return 0;
  return ((1 + beta ** 2) * precision * recall) / (recall + beta ** 2 * precision);
}

/** Length of the longest sequence of words that both have in this order. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  let above = new Array<number>(b.length + 1).fill(0);
  for (const word of a) {
    const row = [0];
    for (const [j, other] of b.entries()) {
      row.push(word === other ? above[j] + 1 : Math.max(above[j + 1], row[j]));
    }
    above = row;
  }
  return above[b.length];
}
