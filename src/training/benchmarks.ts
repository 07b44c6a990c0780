import type { TrainingRecipe } from "./recipe.ts";

/** A figure of a benchmark, with its interval by the questions that were drawn. */
export interface BenchmarkFigure {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** What the model as it stands scores in a benchmark. */
export interface BenchmarkScore {
  /** What the run calls it. */
  readonly name: string;
  /** Questions, or what else it counts. */
  readonly items: number;
  /** The most important first. */
  readonly figures: Readonly<Record<string, BenchmarkFigure>>;
  /** What it took. */
  readonly seconds: number;
}

/** Benchmarks of a model while it learns. */
export interface Benchmarking {
  /** Steps between two times; before the first step and after the last one it is done in any case. Absent: these two alone. */
  readonly every?: number | undefined;
  /**
   * Scores the model with the weights that the trainer has now; called in the first process alone.
   *
   * @returns undefined where the signal has ended it
   */
  scores(step: number, signal: AbortSignal | undefined): Promise<readonly BenchmarkScore[] | undefined>;
}

/**
 * The figure that tells which checkpoint is better.
 *
 * @throws RangeError where there is no such figure, or it is no number
 */
export function decisiveScore(
  scores: readonly BenchmarkScore[],
  { benchmark, figure }: NonNullable<TrainingRecipe["bestBy"]>,
): number {
  const figures = scores.find(({ name }) => name === benchmark)?.figures ?? {};
  const score = figures[figure ?? Object.keys(figures)[0]]?.estimate;
  if (score !== undefined && Number.isFinite(score)) return score;
  throw new RangeError(
    `bestBy: ${[benchmark, figure].join(" ").trim()} must be a number to tell which checkpoint is better, got ${score ?? "no such figure"}`,
  );
}
