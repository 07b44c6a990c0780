/**
 * The largest count up to `most` for which a condition holds, which holds for no larger one than one for which it does
 * not; `least` where there is none. Goes up in growing steps, so that what is far too long is never looked at as a whole.
 */
export function largest(least: number, most: number, holds: (count: number) => boolean): number {
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
