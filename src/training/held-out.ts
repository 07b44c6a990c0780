import type { TrainingBatch } from "./step-programs.ts";

/** Held-out batches, made anew for every evaluation, so that their pixels are not kept in between. */
export interface HeldOutBatches<S> {
  /** Labels in all batches together. */
  readonly labelCount: number;
  /** The batches from the first on, the same every time. */
  batches(): AsyncIterable<TrainingBatch<S>> | Iterable<TrainingBatch<S>>;
}

/** What an evaluation reads: batches in memory, or such as are made anew. */
export type EvaluationData<S> = readonly TrainingBatch<S>[] | HeldOutBatches<S>;

/** Labels in these batches together. */
export function labelCountOf<S>(batches: readonly TrainingBatch<S>[]): number {
  return batches.reduce((sum, batch) => sum + batch.labelCount, 0);
}

/** Batches in memory as those that are made anew. */
export function heldOutBatchesOf<S>(data: EvaluationData<S>): HeldOutBatches<S> {
  return "batches" in data ? data : { labelCount: labelCountOf(data), batches: () => data };
}
