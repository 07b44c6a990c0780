import type { ThreadPool } from "../platform/index.ts";
import type { Communicator } from "./communicator.ts";
import type { FlatBuffer } from "./flat-buffer.ts";
import { accumulateGradients } from "./gradient-accumulation.ts";
import { type RewardSums, rewardSums } from "./preference.ts";
import type { TrainingRecipe } from "./recipe.ts";
import type { ShardExchange } from "./shard-exchange.ts";
import type { OwnedChunk } from "./shards.ts";
import type { StepPrograms } from "./step-programs.ts";
import { firstRowsOf, interleaved, labelsOf, type UpdateShare } from "./update-share.ts";
import { WrittenGradients } from "./written-gradients.ts";

/** What the gradients of an update are computed with. */
export interface GradientComputation<S> {
  readonly communicator: Communicator;
  readonly exchange: ShardExchange;
  /** One for each micro-batch that is computed at once. */
  readonly replicas: readonly StepPrograms<S>[];
  readonly threads: ThreadPool;
  readonly chunks: readonly OwnedChunk[];
  /** The sum. */
  readonly gradients: FlatBuffer;
  /** Gradients of further micro-batches until they are added: one a replica, and one more where `deterministic`. */
  readonly microBatchGradients: readonly FlatBuffer[];
  /** Add micro-batches up in their order, whoever computes them. */
  readonly deterministic: boolean;
}

/** The loss of an update. */
export interface UpdateLoss {
  /** Mean over all labels. */
  readonly loss: number;
  /** Each micro-batch's part of it. */
  readonly losses: readonly number[];
  /** Of pairs of answers alone. */
  readonly rewards?: Rewards | undefined;
}

/** How far the model is from the one that it began with, by the pairs of an update (arXiv 2305.18290). */
export interface Rewards {
  /** Mean reward of the better answer less that of the other one. */
  readonly rewardMargin: number;
  /** Which part of the pairs has a margin above 0. */
  readonly rewardAccuracy: number;
}

/** Computes this process's micro-batches of a step; the sum of all processes' gradients is in its shard. */
export type ComputeGradients<S> = (share: UpdateShare<S>, step: number) => Promise<UpdateLoss>;

/** Gradients of the mean loss over all labels of an update. */
export function createGradientComputation<S>(
  computation: GradientComputation<S>,
  { lora, dpo, seed }: TrainingRecipe,
): ComputeGradients<S> {
  const { communicator, replicas, deterministic } = computation;
  const { rank, size } = communicator;
  const rate = lora?.dropout ?? 0;
  const sumGradients = size === 1 ? sumAlone : deterministic ? sumInOrder : sumOwnFirst;
  return async (share, step) => {
    requireWorkForAll(share, size);
    const labels = labelsOf(share.all);
    const firstRows = firstRowsOf(share.all);
    const sums: RewardSums[] = [];
    const compute: ComputeOne = async (index, into, { replica = 0, written } = {}) => {
      const firstRow = firstRows[rank + index * size];
      const { loss, ratios } = await replicas[replica].computeGradients(share.own[index], labels, {
        into,
        dropout: { rate, seed, step, firstRow },
        onWritten: (names) => written?.add(names),
      });
      if (dpo && ratios) sums[index] = rewardSums(share.own[index], ratios, dpo.beta);
      return loss;
    };
    const own = await sumGradients(computation, share, compute);
    const losses = await ofAllInOrder(communicator, own);
    if (dpo === undefined) return { loss: sumOf(losses), losses };
    const margin = sumOf(
      await ofAllInOrder(
        communicator,
        sums.map((sum) => sum.margin),
      ),
    );
    const wins = sumOf(
      await ofAllInOrder(
        communicator,
        sums.map((sum) => sum.wins),
      ),
    );
    const rewards = { rewardMargin: margin / labels, rewardAccuracy: wins / labels };
    return { loss: sumOf(losses), losses, rewards };
  };
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** A number of each micro-batch, in the order of the update. */
async function ofAllInOrder(communicator: Communicator, own: readonly number[]): Promise<number[]> {
  const ofRanks = await communicator.exchangeNumbers(Float64Array.from(own));
  return interleaved(ofRanks.map((some) => [...some]));
}

/** Computes the process's micro-batch of an index into a buffer; the result is its part of the mean loss. */
type ComputeOne = (
  index: number,
  into: FlatBuffer,
  options?: { readonly replica?: number; readonly written?: WrittenGradients },
) => Promise<number>;

type SumGradients = <S>(
  computation: GradientComputation<S>,
  share: UpdateShare<S>,
  compute: ComputeOne,
) => Promise<number[]>;

/** One process adds up its micro-batches, as many side by side as there are replicas. */
const sumAlone: SumGradients = async (computation, { own }, compute) => {
  const { replicas, threads, chunks, gradients, microBatchGradients } = computation;
  const losses: number[] = [];
  for (let start = 0; start < own.length; start += replicas.length) {
    const free = start === 0 ? [gradients, ...microBatchGradients] : microBatchGradients;
    const into = free.slice(0, Math.min(replicas.length, own.length - start));
    losses.push(...(await awaitAll(into.map((buffer, i) => compute(start + i, buffer, { replica: i })))));
    for (const buffer of into) {
      if (buffer !== gradients) await accumulateGradients(threads, chunks, gradients, buffer);
    }
  }
  return losses;
};

/**
 * Every process adds up its own micro-batches; then the sums are added up, bucket by bucket, each as soon as the last micro-batch's
 * part of it is written.
 */
const sumOwnFirst: SumGradients = async (computation, { own }, compute) => {
  const { communicator, exchange, threads, chunks, gradients, microBatchGradients } = computation;
  const [others] = microBatchGradients;
  const bufferOf = (index: number): FlatBuffer => (index === 0 ? gradients : others);
  const last = own.length - 1;
  const losses: number[] = [];
  for (let index = 0; index < last; index++) {
    losses.push(await compute(index, bufferOf(index)));
    if (index > 0) await accumulateGradients(threads, chunks, gradients, others);
  }
  const written = new WrittenGradients();
  const exchanged = exchange.sum({
    sum: gradients,
    own: gradients,
    contributors: communicator.size,
    prepare: async (bucket) => {
      await written.all(bucket.names);
      if (last > 0) await accumulateGradients(threads, [bucket], gradients, others);
    },
  });
  losses.push(await computedBefore(exchanged, compute(last, bufferOf(last), { written })));
  await exchanged;
  return losses;
};

/** What is computed while an exchange waits for it. Where that fails the exchange never ends, and what it throws is not missed. */
async function computedBefore<T>(exchanged: Promise<void>, computed: Promise<T>): Promise<T> {
  exchanged.catch(() => undefined);
  return computed;
}

/** As one process would: the processes' first micro-batches are added up in the order of ranks, then their second ones, … */
const sumInOrder: SumGradients = async (computation, { all }, compute) => {
  const { communicator, exchange, gradients, microBatchGradients } = computation;
  const { rank, size } = communicator;
  const losses: number[] = [];
  // Micro-batches of a round are on their way while those of the next are computed.
  let exchanged: Promise<void> = Promise.resolve();
  for (let round = 0; round * size < all.length; round++) {
    const buffer = round === 0 ? gradients : microBatchGradients[round % 2];
    const isOwn = round * size + rank < all.length;
    const written = new WrittenGradients();
    const computed = isOwn
      ? compute(round, buffer, { written }).then((loss) => losses.push(loss))
      : Promise.resolve(0);
    const next = exchanged.then(() =>
      exchange.sum({
        sum: gradients,
        own: isOwn ? buffer : undefined,
        contributors: Math.min(size, all.length - round * size),
        prepare: ({ names }) => (isOwn ? written.all(names) : Promise.resolve()),
      }),
    );
    await computedBefore(next, awaitAll<unknown>([exchanged, computed]));
    exchanged = next;
  }
  await exchanged;
  return losses;
};

/** @throws RangeError where a process would have nothing to compute */
function requireWorkForAll<S>({ all }: UpdateShare<S>, size: number): void {
  if (all.length >= size || size === 1) return;
  throw new RangeError(
    `several processes: an update must have a micro-batch for each of the ${size}, got ${all.length}; give the recipe a smaller microBatch or a larger batch, or start fewer`,
  );
}

/** All results, once every computation has ended: where one fails, none of the others may still write to memory that is freed. */
async function awaitAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
