import type { TrainingRecipe } from "./recipe.ts";

/** Whether something that is done every so many steps is done after this one; never where it has no rhythm. */
export function isDue(step: number, every: number | undefined): boolean {
  return every !== undefined && step % every === 0;
}

/** How good a model is: by its loss on held-out rows, where lower is better, or by a score, where higher is. */
export type Quality =
  | { readonly loss: number; readonly score?: undefined }
  | { readonly score: number; readonly loss?: undefined };

/** What a run remembers of its evaluations, so that one that resumes decides as if it had not stopped. */
export interface EvaluationRecord {
  /** The step of the last one. */
  readonly step: number;
  /** Of equal ones the first. */
  readonly best: { readonly step: number } & Quality;
  /** Evaluations since the best one. */
  readonly sinceBest: number;
}

/** The record with one more evaluation, by the same measure as those before. */
export function withEvaluation(
  earlier: EvaluationRecord | undefined,
  now: { readonly step: number } & Quality,
): EvaluationRecord {
  if (earlier === undefined || costOf(now) < costOf(earlier.best)) {
    return { step: now.step, best: now, sinceBest: 0 };
  }
  return { step: now.step, best: earlier.best, sinceBest: earlier.sinceBest + 1 };
}

const costOf = (quality: Quality): number => quality.loss ?? -quality.score;

/** Whether a run ends before its last step, since its evaluations no longer improve. */
export function isPatienceOver(
  record: EvaluationRecord | undefined,
  { patience }: Pick<TrainingRecipe, "patience">,
): boolean {
  return patience !== undefined && record !== undefined && record.sinceBest >= patience;
}

/** The mean of the losses of steps so far, in which later ones weigh more. */
export interface LossMean {
  readonly mean: number;
  readonly steps: number;
}

/** Steps before a loss can be a spike, and about as many as the mean remembers. */
const remembered = 20;

/** The highest loss that is no spike. */
export function highestLoss(
  losses: LossMean | undefined,
  { maxLossSpike }: Pick<TrainingRecipe, "maxLossSpike">,
): number {
  if (maxLossSpike === undefined || losses === undefined || losses.steps < remembered) {
    return Number.POSITIVE_INFINITY;
  }
  return maxLossSpike * losses.mean;
}

/** The mean with one more step. */
export function withLoss(earlier: LossMean | undefined, loss: number): LossMean {
  if (earlier === undefined) return { mean: loss, steps: 1 };
  const steps = earlier.steps + 1;
  return { mean: earlier.mean + (loss - earlier.mean) / Math.min(steps, remembered), steps };
}
