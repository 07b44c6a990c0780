import type { Reader, SkippedRows } from "../data/index.ts";
import type { FileLock } from "../platform/index.ts";
import type { Benchmarking } from "./benchmarks.ts";
import type { TrainingEvent } from "./events.ts";
import type { EvaluationData } from "./held-out.ts";
import type { TrainingRecipe } from "./recipe.ts";
import type { RunInputs } from "./run-inputs.ts";
import type { Sampling } from "./samples.ts";
import type { TrainingBatch } from "./step-programs.ts";
import type { Trainer } from "./trainer.ts";

export interface TrainOptions<S> {
  readonly trainer: Trainer<S>;
  readonly recipe: TrainingRecipe;
  readonly reader: Reader<TrainingBatch<S>>;
  /** Held-out batches for evaluation. */
  readonly evaluation?: EvaluationData<S>;
  /** Fixed questions whose answers show what is learned; none if absent. */
  readonly samples?: Sampling | undefined;
  /** Benchmarks that tell what is learned; none if absent. */
  readonly benchmarks?: Benchmarking | undefined;
  /** Where `state/` and `log.jsonl` go; nothing is written if absent. */
  readonly directory?: string;
  /** Go on from `state/` where there is one. */
  readonly resume?: boolean;
  /**
   * Checksums of what the run reads beside the recipe: `resume` goes on only where they are the same.
   *
   * @internal
   */
  readonly inputs?: RunInputs;
  /**
   * `resume` goes on although data among the inputs have changed.
   *
   * @internal
   */
  readonly allowChangedData?: boolean;
  /**
   * Rows that the reader left out because they cannot be read: they become events and part of checkpoints.
   *
   * @internal
   */
  readonly skipped?: SkippedRows;
  /**
   * The lock on the directory (`lockOutput`) where the caller holds it already.
   *
   * @internal
   */
  readonly lock?: FileLock | undefined;
  /** Stops after the step under way, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

export interface TrainingOutcome {
  readonly step: number;
  /** Whether all steps were done, or as many as `patience` allowed; false after an abort. */
  readonly complete: boolean;
  /** Where the recipe keeps the best checkpoint: the step that the trainer's weights are of now that the run is complete. */
  readonly bestStep?: number;
}
