import { isInPart, type Part } from "../data/index.ts";
import type { Communicator } from "./communicator.ts";
import type { TrainingBatch } from "./step-programs.ts";
import { interleaved, partOf } from "./update-share.ts";

/** Held-out batches, made anew for every evaluation, so that their pixels are not kept in between. */
export interface HeldOutBatches<S> {
  /** Labels in all batches together. */
  readonly labelCount: number;
  /** The batches from the first on, the same every time. */
  batches(): AsyncIterable<TrainingBatch<S>> | Iterable<TrainingBatch<S>>;
  /** Those of a part alone, so that the rows of the other ones need not be read; by passing over them if absent. */
  batchesOf?(part: Part): AsyncIterable<TrainingBatch<S>> | Iterable<TrainingBatch<S>>;
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

/**
 * Numbers of each batch, added up in the order of the batches, which the processes share out.
 *
 * @param count how many numbers `evaluate` gives of a batch
 */
export async function evaluationSums<S>(
  data: EvaluationData<S>,
  communicator: Communicator,
  count: number,
  evaluate: (batch: TrainingBatch<S>, labelCount: number) => Promise<readonly number[]>,
): Promise<number[]> {
  const source = heldOutBatchesOf(data);
  const part = partOf(communicator);
  const numbers = await communicator.agree(async () => {
    const own: number[] = [];
    for await (const batch of source.batchesOf?.(part) ?? passingOver(source.batches(), part)) {
      own.push(...(await evaluate(batch, source.labelCount)));
    }
    return own;
  });
  const ofRanks = await communicator.exchangeNumbers(Float64Array.from(numbers));
  const batches = interleaved(ofRanks.map((some) => inRowsOf([...some], count)));
  return Array.from({ length: count }, (_, i) => batches.reduce((sum, row) => sum + row[i], 0));
}

const inRowsOf = (numbers: readonly number[], count: number): number[][] =>
  Array.from({ length: numbers.length / count }, (_, i) => numbers.slice(i * count, (i + 1) * count));

async function* passingOver<T>(items: AsyncIterable<T> | Iterable<T>, part: Part): AsyncGenerator<T> {
  let index = 0;
  for await (const item of items) if (isInPart(index++, part)) yield item;
}
