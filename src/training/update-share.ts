import type { Part } from "../data/index.ts";
import { isInPart } from "../data/index.ts";
import type { Communicator } from "./communicator.ts";
import type { Objective } from "./objective.ts";
import type { TrainingBatch } from "./step-programs.ts";

/** A micro-batch of an update, as every process knows it. */
export interface MicroBatchNote {
  readonly rows: number;
  readonly labels: number;
  readonly tokens: number;
  readonly rowsWithoutLabels: readonly string[];
}

/** A process's micro-batches of an update, and what it knows of all of them. */
export interface UpdateShare<S> {
  /** Those that it computes: the ones of its part, in their order. */
  readonly own: readonly TrainingBatch<S>[];
  /** All of the update's, in their order. */
  readonly all: readonly MicroBatchNote[];
}

/** The part of an update, or of an evaluation, that a process computes. */
export const partOf = ({ rank, size }: Communicator): Part => ({ index: rank, count: size });

/** What the other processes must know of micro-batches. */
export function notesOf<S>(
  batches: readonly TrainingBatch<S>[],
  { batchSize }: Pick<Objective<S>, "batchSize">,
): MicroBatchNote[] {
  return batches.map(({ sizes, labelCount, tokenCount, rowsWithoutLabels }) => ({
    rows: batchSize(sizes),
    labels: labelCount,
    tokens: tokenCount,
    rowsWithoutLabels,
  }));
}

/** The processes' notes in the order of the micro-batches, of which each process has every so many-th. */
export function interleaved<T>(ofRanks: readonly (readonly T[])[]): T[] {
  const count = ofRanks.reduce((sum, { length }) => sum + length, 0);
  const size = ofRanks.length;
  return Array.from({ length: count }, (_, index) => ofRanks[index % size][Math.floor(index / size)]);
}

/** The share of a process that knows every micro-batch itself. */
export function shareOf<S>(
  batches: readonly TrainingBatch<S>[],
  objective: Pick<Objective<S>, "batchSize">,
  part: Part,
): UpdateShare<S> {
  return {
    own: batches.filter((_, index) => isInPart(index, part)),
    all: notesOf(batches, objective),
  };
}

/** Labels of all micro-batches. */
export const labelsOf = (all: readonly MicroBatchNote[]): number =>
  all.reduce((sum, { labels }) => sum + labels, 0);

/** For each micro-batch the index of its first row among the rows of the update. */
export function firstRowsOf(all: readonly MicroBatchNote[]): number[] {
  let sum = 0;
  return all.map(({ rows }) => {
    sum += rows;
    return sum - rows;
  });
}
