import { groupBy } from "../group-by.ts";
import type { Statistics } from "../statistics.ts";
import type { ItemScore } from "./benchmark.ts";

/** The mean of a number of every score; NaN where there are none. */
export function meanOf(scores: readonly ItemScore[], name = "value"): number {
  let sum = 0;
  for (const score of scores) sum += Number(score[name]);
  return sum / scores.length;
}

/** The mean value of all scores that share a label, as `label: mean`, the labels in alphabetical order. */
export function meansBy(scores: readonly ItemScore[], label: string, title = label): Statistics {
  return figuresBy(scores, label, (some) => ({ [title]: meanOf(some) }));
}

/** Figures of the scores that share a label, each with the label behind its name. */
export function figuresBy(
  scores: readonly ItemScore[],
  label: string,
  figures: (scores: readonly ItemScore[]) => Statistics,
): Statistics {
  const groups = [...groupBy(scores, (score) => score[label])].filter(([name]) => name !== "");
  const named = groups.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    named.flatMap(([name, some]) =>
      Object.entries(figures(some)).map(([figure, value]) => [`${figure}: ${name}`, value]),
    ),
  );
}
