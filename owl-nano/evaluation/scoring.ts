/** A proportion with its 95 % interval. */
export interface Score {
  readonly right: number;
  readonly of: number;
  readonly share: number;
  /** Wilson's interval, 95 %. */
  readonly interval: readonly [number, number];
}

/**
 * Wilson's score interval (Wilson 1927), which stays sensible near 0 and 1.
 *
 * @param independent how many of the trials are independent of each other; all if absent
 */
export function score(right: number, of: number, independent = of): Score {
  if (of === 0) return { right, of, share: 0, interval: [0, 1] };
  const z = 1.96;
  const n = independent;
  const share = right / of;
  const middle = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return { right, of, share, interval: [Math.max(0, middle - half), Math.min(1, middle + half)] };
}

/**
 * A score of several pictures a drawing, which are right or wrong together more often than not: the interval is that of as many
 * independent pictures as would vary like the drawings do (Kish's effective sample size).
 *
 * @param groups the drawing of each picture
 */
export function groupedScore(right: readonly boolean[], groups: readonly string[]): Score {
  const of = right.length;
  const sum = right.filter(Boolean).length;
  const share = sum / of;
  const deviations = new Map<string, number>();
  for (const [i, group] of groups.entries())
    deviations.set(group, (deviations.get(group) ?? 0) + (right[i] ? 1 - share : -share));
  const squares = [...deviations.values()].reduce((total, value) => total + value * value, 0);
  const groupCount = deviations.size;
  const variance = (squares / (of * of)) * (groupCount / Math.max(1, groupCount - 1));
  const independent = variance > 0 ? Math.min(of, (share * (1 - share)) / variance) : groupCount;
  return score(sum, of, independent);
}

/**
 * The same where answers are right or wrong together in several ways (the drawing, the wording): the widest of their intervals.
 *
 * @param groupings of each way the group of each answer
 */
export function widestScore(right: readonly boolean[], groupings: readonly (readonly string[])[]): Score {
  const width = ({ interval: [low, high] }: Score): number => high - low;
  return groupings
    .map((groups) => groupedScore(right, groups))
    .reduce((widest, one) => (width(one) > width(widest) ? one : widest));
}
