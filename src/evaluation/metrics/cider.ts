import { nGrams } from "./n-grams.ts";

const orders = [1, 2, 3, 4];
/** Width of the penalty on captions of another length than the reference's, in words. */
const sigma = 6;

/** Weights of a text's runs of words for each order, and how long it is. */
interface Weighted {
  readonly length: number;
  readonly vectors: readonly ReadonlyMap<string, number>[];
  readonly norms: readonly number[];
}

/**
 * CIDEr-D of each caption (Vedantam et al., CIDEr, 2015, section 6), as COCO's caption evaluation computes it: cosine of
 * the runs of one to four words weighted by how few pictures' references have them, matches counted at most as often as
 * in the reference, with a penalty on another length, times ten. The score of a set is the mean.
 *
 * How many pictures have a run is counted in these references, so scores depend on the whole set; with one picture all
 * are 0.
 *
 * @param captions one for each picture, word by word
 * @param references of each picture, at least one
 */
export function ciderD(
  captions: readonly (readonly string[])[],
  references: readonly (readonly (readonly string[])[])[],
): number[] {
  const frequencies = picturesWith(references);
  const weighted = (words: readonly string[]): Weighted => {
    const vectors = orders.map((order) => {
      const weight = (gram: string): number =>
        Math.log(references.length) - Math.log(Math.max(1, frequencies.get(gram) ?? 0));
      return new Map([...nGrams(words, order)].map(([gram, count]) => [gram, count * weight(gram)]));
    });
    const norms = vectors.map((vector) =>
      Math.sqrt([...vector.values()].reduce((sum, value) => sum + value ** 2, 0)),
    );
    return { length: words.length, vectors, norms };
  };
  return captions.map((caption, i) => {
    const own = weighted(caption);
    const scores = references[i].map((reference) => similarity(own, weighted(reference)));
    return (10 * scores.reduce((sum, score) => sum + score, 0)) / scores.length;
  });
}

/** How many pictures have a run of words in any of their references. */
function picturesWith(references: readonly (readonly (readonly string[])[])[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const ofPicture of references) {
    const grams = ofPicture.flatMap((words) => orders.flatMap((order) => [...nGrams(words, order).keys()]));
    for (const gram of new Set(grams)) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** The mean over orders of the clipped cosines. */
function similarity(caption: Weighted, reference: Weighted): number {
  const cosines = orders.map((_, i) => {
    const norm = caption.norms[i] * reference.norms[i];
    if (norm === 0) return 0;
    let product = 0;
    for (const [gram, weight] of caption.vectors[i]) {
      const other = reference.vectors[i].get(gram) ?? 0;
      product += Math.min(weight, other) * other;
    }
    return product / norm;
  });
  const penalty = Math.exp(-((caption.length - reference.length) ** 2) / (2 * sigma ** 2));
  return (penalty * cosines.reduce((sum, cosine) => sum + cosine, 0)) / cosines.length;
}
