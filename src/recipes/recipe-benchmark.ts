import { measures, perplexityMeasure } from "../evaluation/index.ts";

/** Whether a higher score of a benchmark is a better one. */
export const isHigherBetter = (benchmark: string): boolean => benchmark !== perplexityMeasure.name;

/** Names of everything that can be measured while a model learns. */
export const benchmarkNames = Object.keys(measures);

/** A benchmark of a recipe. */
export interface RecipeBenchmark {
  /** Which one, by its name in `owl eval run`. */
  readonly benchmark: string;
  /** Its directory or file. */
  readonly data: string;
  /** What the run calls it; the benchmark's name if absent. */
  readonly name?: string | undefined;
  /** So many items, drawn at random; all if absent. */
  readonly limit?: number | undefined;
  /** In place of the benchmark's own. */
  readonly instruction?: string | undefined;
}

/** What the run calls a benchmark. */
export const nameOfBenchmark = ({ benchmark, name = benchmark }: RecipeBenchmark): string => name;
