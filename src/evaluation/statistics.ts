import { mulberry32 } from "../primitives/index.ts";
import { groupBy } from "./group-by.ts";

/** A statistic of a sample with its confidence interval. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** Share of such intervals that hold the true value, such as 0.95. */
  readonly confidence: number;
}

export interface BootstrapOptions<Item> {
  /** Samples that are drawn. Default 2,000. */
  readonly resamples?: number | undefined;
  /** Default 0.95. */
  readonly confidence?: number | undefined;
  /** The same seed draws the same samples. Default 0. */
  readonly seed?: number | undefined;
  /**
   * The group of an item, such as its picture. Whole groups are resampled, because answers about one picture are right
   * or wrong together. Default: every item is a group.
   */
  readonly groupOf?: ((item: Item) => string) | undefined;
}

/** Numbers computed from one sample, by name. */
export type Statistics = Readonly<Record<string, number>>;

/**
 * A statistic of items with its percentile bootstrap interval (Efron and Tibshirani, An Introduction to the Bootstrap,
 * 1993, chapter 13; whole groups: Davison and Hinkley, 1997, section 3.8): the statistic of many samples drawn from the
 * items with replacement. Samples in which it is not a number are passed over. Where all items are alike the interval
 * has no width: that says nothing of the items that were not asked.
 *
 * @throws RangeError where there are no items, or an option is out of its range
 */
export function bootstrapInterval<Item>(
  items: readonly Item[],
  statistic: (items: readonly Item[]) => number,
  options: BootstrapOptions<Item> = {},
): Interval {
  return bootstrapIntervals(items, (sample) => ({ value: statistic(sample) }), options).value;
}

/** As {@link bootstrapInterval} for several statistics of the same samples. */
export function bootstrapIntervals<Item>(
  items: readonly Item[],
  statistics: (items: readonly Item[]) => Statistics,
  options: BootstrapOptions<Item> = {},
): Record<string, Interval> {
  const { confidence, samplesOf } = resampled(items, statistics, options);
  const estimates = Object.entries(statistics(items));
  return Object.fromEntries(
    estimates.map(([name, estimate]) => [
      name,
      { estimate, ...bounds(samplesOf(name), confidence), confidence },
    ]),
  );
}

/** The difference between two systems on the same items. */
export interface PairedDifference extends Interval {
  /**
   * How surprising the difference would be if there were none: twice the smaller share of samples on one side of 0,
   * at most 1.
   */
  readonly pValue: number;
}

/**
 * How much more the second of two systems reaches than the first, item by item on the same sample: the paired bootstrap
 * (Efron and Tibshirani, 1993; for system outputs Koehn, Statistical Significance Tests for Machine Translation
 * Evaluation, 2004).
 *
 * @param pairs for each item what the first and the second system made of it
 * @param statistic of one system's share of a sample
 * @throws RangeError as {@link bootstrapInterval}
 */
export function pairedDifference<Score>(
  pairs: readonly (readonly [first: Score, second: Score])[],
  statistic: (scores: readonly Score[]) => number,
  options: BootstrapOptions<readonly [first: Score, second: Score]> = {},
): PairedDifference {
  return pairedDifferences(pairs, (scores) => ({ value: statistic(scores) }), options).value;
}

/** As {@link pairedDifference} for several statistics of the same samples. */
export function pairedDifferences<Score>(
  pairs: readonly (readonly [first: Score, second: Score])[],
  statistics: (scores: readonly Score[]) => Statistics,
  options: BootstrapOptions<readonly [first: Score, second: Score]> = {},
): Record<string, PairedDifference> {
  const differences = (sample: typeof pairs): Statistics => {
    const [first, second] = [0, 1].map((side) => statistics(sample.map((pair) => pair[side])));
    return Object.fromEntries(Object.keys(first).map((name) => [name, second[name] - first[name]]));
  };
  const { confidence, samplesOf } = resampled(pairs, differences, options);
  return Object.fromEntries(
    Object.entries(differences(pairs)).map(([name, estimate]) => {
      const samples = samplesOf(name);
      return [name, { estimate, ...bounds(samples, confidence), confidence, pValue: pValueOf(samples) }];
    }),
  );
}

function pValueOf(samples: Float64Array): number {
  // A sample is never proof that nothing else could be drawn: hence one more on each side.
  const share = (holds: (value: number) => boolean): number =>
    (samples.filter(holds).length + 1) / (samples.length + 1);
  return Math.min(1, 2 * share((value) => value <= 0), 2 * share((value) => value >= 0));
}

/**
 * McNemar's test in its exact form (McNemar 1947; the two-sided binomial test of the disagreements): the probability
 * that two systems that are right equally often disagree so unevenly.
 *
 * @param onlyFirst items that only the first system has right
 * @param onlySecond items that only the second has right
 * @throws RangeError where these are no counts
 */
export function mcNemar(onlyFirst: number, onlySecond: number): number {
  for (const count of [onlyFirst, onlySecond]) {
    if (!Number.isInteger(count) || count < 0) {
      throw new RangeError(`mcNemar: must be given whole numbers from 0 on, got ${count}`);
    }
  }
  const trials = onlyFirst + onlySecond;
  // Binomial probabilities as logarithms: 2^-trials alone would be 0 from 1,075 disagreements on.
  let logProbability = -trials * Math.LN2;
  let tail = 0;
  for (let count = 0; count <= Math.min(onlyFirst, onlySecond); count++) {
    tail += Math.exp(logProbability);
    logProbability += Math.log((trials - count) / (count + 1));
  }
  return Math.min(1, 2 * tail);
}

/** How far apart two grades are: all mistakes alike, or growing with the distance or its square. */
export type KappaWeights = "none" | "linear" | "quadratic";

/**
 * Agreement of two raters beyond chance (Cohen, A Coefficient of Agreement for Nominal Scales, 1960; weighted: Cohen
 * 1968): 1 whole, 0 as by chance, NaN where chance alone would always agree (both use one grade only).
 *
 * @param pairs the first and the second rater's grade of each item
 * @param order all grades from best to worst, for `weights`; default: those used, sorted
 * @throws RangeError where there are no items, or a grade is not in `order`
 */
export function cohenKappa(
  pairs: readonly (readonly [first: string, second: string])[],
  { weights = "none", order }: { readonly weights?: KappaWeights; readonly order?: readonly string[] } = {},
): number {
  if (pairs.length === 0) throw new RangeError("cohenKappa: must be given graded items, got none");
  const grades = order ?? [...new Set(pairs.flat())].toSorted();
  const ranks = pairs.map((pair) => pair.map((grade) => rankOf(grade, grades)));
  const shares = [0, 1].map((rater) =>
    grades.map((_, rank) => ranks.filter((pair) => pair[rater] === rank).length / pairs.length),
  );
  const exponent = { none: 0, linear: 1, quadratic: 2 }[weights];
  const cost = (a: number, b: number): number => (a === b ? 0 : Math.abs(a - b) ** exponent);
  const observed = ranks.reduce((sum, [a, b]) => sum + cost(a, b), 0) / pairs.length;
  let expected = 0;
  for (const [a, share] of shares[0].entries()) {
    for (const [b, other] of shares[1].entries()) expected += share * other * cost(a, b);
  }
  return 1 - observed / expected;
}

function rankOf(grade: string, grades: readonly string[]): number {
  const rank = grades.indexOf(grade);
  if (rank >= 0) return rank;
  throw new RangeError(`cohenKappa: a grade must be one of ${grades.join(", ")}, got ${grade}`);
}

/**
 * Agreement of many raters beyond chance (Fleiss, Measuring Nominal Scale Agreement Among Many Raters, 1971): 1 whole,
 * 0 as by chance, NaN where chance alone would always agree. Items may have been graded by unequally many raters: an
 * item's agreement is that of its own pairs of raters, and items count alike; with equally many this is Fleiss's own.
 *
 * @param counts for each item how many raters gave each grade
 * @throws RangeError where there are no items, or an item has fewer than two grades
 */
export function fleissKappa(counts: readonly (readonly number[])[]): number {
  if (counts.length === 0) throw new RangeError("fleissKappa: must be given graded items, got none");
  const totals = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const lonely = totals.findIndex((total) => total < 2);
  if (lonely >= 0) {
    throw new RangeError(
      `fleissKappa: every item must have two grades or more, got ${totals[lonely]} at item ${lonely}; leave it out`,
    );
  }
  const agreements = counts.map((row, item) => {
    const total = totals[item];
    return row.reduce((sum, count) => sum + count * (count - 1), 0) / (total * (total - 1));
  });
  const observed = agreements.reduce((sum, agreement) => sum + agreement, 0) / counts.length;
  const all = totals.reduce((sum, total) => sum + total, 0);
  const shares = counts[0].map((_, grade) => counts.reduce((sum, row) => sum + row[grade], 0) / all);
  const expected = shares.reduce((sum, share) => sum + share ** 2, 0);
  return expected === 1 ? Number.NaN : (observed - expected) / (1 - expected);
}

/** The statistics of many samples. */
function resampled<Item>(
  items: readonly Item[],
  statistics: (items: readonly Item[]) => Statistics,
  options: BootstrapOptions<Item>,
): { readonly confidence: number; readonly samplesOf: (name: string) => Float64Array } {
  const { resamples = 2000, confidence = 0.95, seed = 0, groupOf } = options;
  if (items.length === 0) throw new RangeError("bootstrap: must be given items, got none");
  if (!Number.isInteger(resamples) || resamples < 1) {
    throw new RangeError(`bootstrap: resamples must be a whole number from 1 on, got ${resamples}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`bootstrap: confidence must lie between 0 and 1, got ${confidence}`);
  }
  const groups = groupOf === undefined ? items.map((item) => [item]) : [...groupBy(items, groupOf).values()];
  const random = mulberry32(seed);
  const draw = (): Statistics => {
    const sample: Item[] = [];
    for (const _ of groups) {
      for (const item of groups[Math.floor(random() * groups.length)]) sample.push(item);
    }
    return statistics(sample);
  };
  const drawn = Array.from({ length: resamples }, draw);
  // A sample can lack all that a statistic is of.
  const samplesOf = (name: string): Float64Array =>
    Float64Array.from(drawn.map((values) => values[name] ?? Number.NaN))
      .filter((value) => !Number.isNaN(value))
      .sort();
  return { confidence, samplesOf };
}

/** The middle `confidence` of ascending samples. */
function bounds(samples: Float64Array, confidence: number): { readonly low: number; readonly high: number } {
  const at = (share: number): number => {
    const rank = Math.ceil(share * samples.length) - 1;
    return samples[Math.min(samples.length - 1, Math.max(0, rank))] ?? Number.NaN;
  };
  return { low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) };
}
