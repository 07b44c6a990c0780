import { decisiveScore } from "./benchmarks.ts";
import { DivergenceError } from "./divergence.ts";
import { isDue, type Quality, withEvaluation } from "./evaluations.ts";
import { heldOutBatchesOf } from "./held-out.ts";
import type { EventTeller } from "./logs.ts";
import type { Progress } from "./state.ts";
import type { TrainOptions } from "./train-options.ts";

/** A run, as far as it is measured between its steps: by held-out rows, by benchmarks, by answers to fixed questions. */
export interface MeasuredRun<S> extends EventTeller {
  readonly options: TrainOptions<S>;
  progress: Progress;
}

/** Measures the model that the run begins with, but for its loss: which rows can be read is known already. */
export async function measureBeginning<S>(run: MeasuredRun<S>): Promise<void> {
  await answerSamples(run);
  await scoreBenchmarks(run);
}

/** Measures what is due after the step that was done last. */
export async function measureDue<S>(run: MeasuredRun<S>): Promise<void> {
  if (isEvaluated(run)) await runEvaluation(run);
  if (isBenchmarked(run)) await scoreBenchmarks(run);
  if (isSampled(run)) await answerSamples(run);
}

/**
 * Measures what was due after the step that was done last, where the run was stopped before it.
 *
 * @returns whether anything was measured that can make this step the best one
 */
export async function measureMissed<S>(run: MeasuredRun<S>): Promise<boolean> {
  const { step } = run.options.trainer;
  const { evaluated, evaluation, benchmarked, sampled } = run.progress;
  const isUnread = isEvaluated(run) && (evaluated ?? evaluation?.step) !== step;
  if (isUnread) await runEvaluation(run);
  const isUnscored = isBenchmarked(run) && benchmarked !== step;
  if (isUnscored) await scoreBenchmarks(run);
  if (isSampled(run) && sampled !== step) await answerSamples(run);
  return isUnread || isUnscored;
}

/** Whether held-out rows are read after the step that was done last. */
function isEvaluated<S>({ options: { trainer, recipe } }: MeasuredRun<S>): boolean {
  return isDue(trainer.step, recipe.evaluateEvery) || trainer.step >= recipe.steps;
}

/** Whether benchmarks are scored after the step that was done last. */
function isBenchmarked<S>({ options: { trainer, recipe, benchmarks } }: MeasuredRun<S>): boolean {
  if (benchmarks === undefined) return false;
  return isDue(trainer.step, benchmarks.every) || trainer.step >= recipe.steps;
}

/** Whether the fixed questions are asked after the step that was done last. */
function isSampled<S>({ options: { trainer, recipe, samples } }: MeasuredRun<S>): boolean {
  return isDue(trainer.step, samples?.every) || trainer.step >= recipe.steps;
}

async function runEvaluation<S>(run: MeasuredRun<S>): Promise<void> {
  const { trainer, recipe, evaluation } = run.options;
  if (evaluation === undefined || heldOutBatchesOf(evaluation).labelCount === 0) return;
  const { step } = trainer;
  const result = await trainer.evaluate(evaluation);
  const { loss } = result;
  await run.emit({ kind: "evaluation", step, ...result });
  if (!Number.isFinite(loss)) {
    const text = `step ${step}: the loss on held-out rows must be finite, got ${loss}; begin again with a lower learning rate`;
    throw trainer.communicator.common(new DivergenceError(text));
  }
  run.progress = { ...run.progress, evaluated: step };
  if (recipe.bestBy === undefined) noteQuality(run, { loss });
}

/** Scores the benchmarks; a signal ends those between steps, which are then scored anew when the run goes on. */
async function scoreBenchmarks<S>(run: MeasuredRun<S>): Promise<void> {
  const { trainer, recipe, benchmarks, signal } = run.options;
  if (benchmarks === undefined) return;
  const { step } = trainer;
  const stop = step < recipe.steps ? signal : undefined;
  const scores = await trainer.communicator.fromFirst(() => benchmarks.scores(step, stop));
  if (scores === undefined) return;
  for (const score of scores) await run.emit({ kind: "benchmark", step, ...score });
  run.progress = { ...run.progress, benchmarked: step };
  const { bestBy } = recipe;
  if (bestBy === undefined || step === 0) return;
  noteQuality(run, { score: await trainer.communicator.agree(() => decisiveScore(scores, bestBy)) });
}

/** Notes how good the model is after the step that was done last. */
function noteQuality<S>(run: MeasuredRun<S>, quality: Quality): void {
  const { step } = run.options.trainer;
  const evaluation = withEvaluation(run.progress.evaluation, { step, ...quality });
  run.progress = { ...run.progress, evaluation };
}

async function answerSamples<S>(run: MeasuredRun<S>): Promise<void> {
  const { trainer, samples } = run.options;
  if (samples === undefined) return;
  const { step } = trainer;
  const answers = await trainer.communicator.fromFirst(() => samples.answer());
  await run.emit({ kind: "samples", step, answers });
  run.progress = { ...run.progress, sampled: step };
}
