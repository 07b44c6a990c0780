import type { KernelCall, ThreadPool } from "../platform/index.ts";
import { alone, type Communicator } from "./communicator.ts";
import type { FlatBuffer } from "./flat-buffer.ts";
import type { ChosenOptimizer } from "./optimizers/index.ts";
import type { OwnedChunk } from "./shards.ts";

/** What an update reads and writes. */
export interface UpdateBuffers {
  /** Of the module in kernels.ts, over the memories in which the buffers lie. */
  readonly threads: ThreadPool;
  /** All trained numbers; this process updates those that it owns. */
  readonly chunks: readonly OwnedChunk[];
  readonly weights: FlatBuffer;
  readonly gradients: FlatBuffer;
  /** The optimizer's state, in its order. */
  readonly optimizerState: readonly FlatBuffer[];
}

/** The optimizer's part of an update, with what all optimizers have in common: clipping and weight decay. */
export interface WeightUpdate {
  /**
   * Updates this process's weights and their optimizer state in place; the step is counted from 1. Gradients are clipped by the factor
   * min(1, maxGradNorm / (norm + 10⁻⁶)).
   *
   * @returns the norm of all gradients together before clipping; where it is not finite nothing was changed
   */
  update(step: number, learningRate: number): Promise<number>;
}

/** Prepares updates by an optimizer; gradients are not clipped without `maxGradNorm`. */
export function createWeightUpdate(
  { threads, chunks, weights, gradients, optimizerState }: UpdateBuffers,
  { optimizer, hyperparameters }: ChosenOptimizer,
  recipe: { readonly weightDecay: number; readonly maxGradNorm?: number | undefined },
  communicator: Communicator = alone,
): WeightUpdate {
  const { maxGradNorm = Number.POSITIVE_INFINITY } = recipe;
  const own = chunks.filter(({ owner }) => owner === communicator.rank);
  const squares = own.map(
    ({ memory, start, bytes }): KernelCall => ({
      memory,
      kernel: "squares",
      numbers: [gradients.addressOf(start), bytes],
    }),
  );
  const gradientNorm = async (): Promise<number> => {
    const ofOwn = Float64Array.from(await threads.run(squares));
    // Shards follow one another as their owners do, so this is the order of the chunks.
    const ofAll = (await communicator.exchangeNumbers(ofOwn)).flatMap((some) => [...some]);
    return Math.sqrt(ofAll.reduce((sum, ofChunk) => sum + ofChunk, 0));
  };
  return {
    update: async (step, scheduled) => {
      const norm = await gradientNorm();
      if (!Number.isFinite(norm)) return norm;
      const gradientScale = Math.min(1, maxGradNorm / (norm + 1e-6));
      const calls = own.map(({ memory, start, bytes, group }): KernelCall => {
        const learningRate = scheduled * group.learningRateMultiplier;
        const weightDecay = group.decayed ? recipe.weightDecay : 0;
        const scalars = optimizer.update(hyperparameters, { step, learningRate, gradientScale, weightDecay });
        const addresses = [weights, gradients, ...optimizerState].map((buffer) => buffer.addressOf(start));
        return { memory, kernel: optimizer.kernel, numbers: [...addresses, bytes, ...scalars] };
      });
      await threads.run(calls);
      return norm;
    },
  };
}
