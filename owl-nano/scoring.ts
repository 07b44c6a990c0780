/** A proportion with its 95 % interval. */
export interface Score {
  readonly right: number;
  readonly of: number;
  readonly share: number;
  /** Wilson's interval, 95 %. */
  readonly interval: readonly [number, number];
}

/** Wilson's score interval (Wilson 1927), which stays sensible near 0 and 1. */
export function score(right: number, of: number): Score {
  if (of === 0) return { right, of, share: 0, interval: [0, 1] };
  const z = 1.96;
  const share = right / of;
  const middle = (share + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const half = (z / (1 + (z * z) / of)) * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  return { right, of, share, interval: [Math.max(0, middle - half), Math.min(1, middle + half)] };
}

/** Lower case, one space between words, no final punctuation. */
export function normalise(answer: string): string {
  return answer
    .toLowerCase()
    .trim()
    .replace(/\s+/g, " ")
    .replace(/[.!?]+$/, "");
}

/** The thing an answer names: `this is a dog.` → `dog`. */
export function namedThing(answer: string): string {
  return normalise(answer)
    .replace(/^(this is|these are|it is|there is|there are) /, "")
    .replace(/ on an? [a-z]+ background$/, "")
    .replace(/^(a|an|the) /, "");
}

/** The color an answer names: `the background is blue.` → `blue`. */
export function namedColor(answer: string): string {
  return normalise(answer).replace(/^(the background is|it is) /, "");
}
