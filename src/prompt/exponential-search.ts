/**
 * The largest count from `least` to `most` for which a condition holds that is monotone: where it fails for a count, it fails
 * for all larger ones. `least` where it holds for none. Counts grow exponentially before the binary search, so the condition is
 * never tried on much more than the result: of a very long conversation only what is kept is tokenized.
 */
export function exponentialSearch(least: number, most: number, holds: (count: number) => boolean): number {
  let [low, high] = [least, most + 1];
  for (let step = 1; low < most && high > most; step *= 2) {
    const next = Math.min(low + step, most);
    if (holds(next)) low = next;
    else high = next;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
