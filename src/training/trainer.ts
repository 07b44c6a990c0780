import type { StateDict, TensorSource } from "../checkpoint/index.ts";
import type { Device } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { alone, type Communicator } from "./communicator.ts";
import { divergence, lossSpike } from "./divergence.ts";
import { withCurrentNames } from "./former-names.ts";
import { createGradientComputation, type Rewards } from "./gradient-computation.ts";
import { type EvaluationData, evaluationSums, heldOutBatchesOf } from "./held-out.ts";
import type { NarrowWeight, NarrowWeights } from "./narrow-weights.ts";
import type { Objective } from "./objective.ts";
import { optimizerOf } from "./optimizers/index.ts";
import { rewardSums } from "./preference.ts";
import { scheduleOf, type TrainingRecipe } from "./recipe.ts";
import { learningRateAt } from "./schedule.ts";
import { createShardExchange } from "./shard-exchange.ts";
import { collectState, restoreWeights, scatterState, stateDictOf } from "./state-exchange.ts";
import { createStepPrograms, type StepPrograms, type TrainingBatch } from "./step-programs.ts";
import { allocateTrained, valuesOf } from "./trained-memory.ts";
import { type MicroBatchNote, notesOf, partOf, shareOf, type UpdateShare } from "./update-share.ts";
import { createWeightUpdate } from "./weight-update.ts";

/** The result of one update; where it learns from pairs of answers, with their rewards before it. */
export interface StepResult extends Partial<Rewards> {
  /** Mean loss over all labels; 0 where there is none. */
  readonly loss: number;
  /** The norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** What held-out rows give, of pairs of answers with their rewards. */
export interface EvaluationResult extends Partial<Rewards> {
  /** Mean loss over all labels. */
  readonly loss: number;
}

/** Parameters, optimizer and compiled steps of one run. With several processes each calls every function, in the same order. */
export interface Trainer<S> {
  /** The processes that train together. */
  readonly communicator: Communicator;
  /** Updates done so far. */
  readonly step: number;
  /** False after an update that failed half done: weights and optimizer state are then of no step. */
  readonly isConsistent: boolean;
  /** Every parameter of the model by name, but narrow ones; those of trained ones are views, which updates change. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /**
   * Frozen parameters that are kept in fewer bytes.
   *
   * @internal
   */
  readonly narrow: NarrowWeights;
  /** Names of the trained parameters. */
  readonly trained: readonly string[];
  /**
   * One update from the accumulated gradients of micro-batches, with the mean loss of all their labels. With several processes
   * each gives all of the micro-batches and computes its part, or gives a share, which holds its part alone.
   *
   * @throws DivergenceError where the loss or a gradient is not finite, LossSpikeError where the loss is above `highestLoss`: nothing
   *   was updated then
   */
  update(
    batches: readonly TrainingBatch<S>[] | UpdateShare<S>,
    options?: { readonly highestLoss?: number | undefined },
  ): Promise<StepResult>;
  /** What the other processes must know of this one's micro-batches. */
  notesOf(batches: readonly TrainingBatch<S>[]): MicroBatchNote[];
  /**
   * How much likelier each pair's better answer is than the other one, as a logarithm, with the weights as they stand and without
   * dropout; of an objective of pairs. Each of several processes may ask for batches of its own.
   */
  ratiosOf(batch: TrainingBatch<S>): Promise<readonly number[]>;
  /** The mean loss over all labels, without dropout and without an update. */
  evaluate(data: EvaluationData<S>): Promise<EvaluationResult>;
  /** Gradients of the mean loss by parameter, as the next update would compute them; views that the next call overwrites. */
  gradients(batches: readonly TrainingBatch<S>[]): Promise<{ loss: number; gradients: StateDict }>;
  /**
   * The optimizer's state, as views by `<state>.<parameter>` (AdamW: `first.<parameter>` and `second.<parameter>`). Each of
   * several processes has the state of its shard alone; the rest of its views is not filled.
   */
  optimizerState(): StateDict;
  /** Calls `use` in the first process with the whole optimizer state, whose tensors it reads once each, in the order of names. */
  collectState(use: (state: TensorSource) => Promise<void>): Promise<void>;
  /**
   * Loads trained parameters and optimizer state as they were after so many updates. The first process gives them, to the other
   * ones too.
   */
  restore(step: number, trained?: TensorSource, optimizerState?: TensorSource): Promise<void>;
  dispose(): void;
}

/** What computes the steps: one device, or data-parallel replicas of the model on several. */
type ComputeDevices =
  | { readonly device: Device; readonly replicas?: undefined }
  | {
      /**
       * Devices that compute an update's micro-batches side by side, one each. On a CPU as many of one thread as there are
       * processors are faster than one of as many threads, and need as many times the memory for activations. The result is that
       * of one such device, to the last bit: gradients are added up in the order of the micro-batches.
       */
      readonly replicas: readonly Device[];
      readonly device?: undefined;
    };

export type TrainerOptions<S> = ComputeDevices & {
  readonly objective: Objective<S>;
  readonly recipe: TrainingRecipe;
  /** Values to start from; parameters that are missing here are initialised from the recipe's seed. */
  readonly weights?: ReadonlyMap<string, HostTensor>;
  /**
   * Frozen parameters in fewer bytes than single precision, in place of `weights`; only where the recipe recomputes.
   *
   * @internal
   */
  readonly narrow?: NarrowWeights;
  /** The processes that train together (`joinProcesses`); this one alone if absent. Each has one device. */
  readonly communicator?: Communicator | undefined;
  /**
   * Add gradients up in the order of an update's micro-batches, whichever process computes them: weights have the same bits for any
   * number of processes. They are sent for every micro-batch then, instead of once for each update. False if absent.
   */
  readonly deterministic?: boolean | undefined;
};

/**
 * Allocates and fills the trained parameters, with their gradients and optimizer state.
 *
 * @throws {RangeError} where one of several processes has more than one device
 */
export async function createTrainer<S>(options: TrainerOptions<S>): Promise<Trainer<S>> {
  const current = withCurrentNames(options);
  const { objective, weights: known = new Map<string, HostTensor>(), communicator = alone } = current;
  const { deterministic = false, narrow = new Map<string, NarrowWeight>() } = current;
  const recipe = withCurrentNames(current.recipe);
  const devices = current.replicas ?? [current.device];
  requireOneDevice(devices, communicator);
  const chosen = optimizerOf(recipe);
  const memory = allocateTrained(objective.parameters, recipe, {
    optimizer: chosen.optimizer,
    devices,
    communicator,
    deterministic,
  });
  const { layout, weights, gradients, threads, chunks } = memory;
  const state = { communicator, layout, chunks, optimizer: chosen.optimizer, buffers: memory.optimizerState };
  const values = valuesOf(objective.parameters, weights, { known, narrow, seed: recipe.seed });
  const trained = [...layout.views.keys()];
  const replicas = devices.map((device) =>
    createStepPrograms({ device, objective, values, trained, narrow, recompute: recipe.recompute }),
  );
  const exchange = createShardExchange(communicator, memory);
  const computation = { ...memory, communicator, exchange, replicas, deterministic };
  const computeGradients = createGradientComputation<S>(computation, recipe);
  const optimizer = createWeightUpdate(memory, chosen, recipe, communicator);
  const asShare = (batches: readonly TrainingBatch<S>[] | UpdateShare<S>): UpdateShare<S> =>
    "own" in batches ? batches : shareOf(batches, objective, partOf(communicator));
  let step = 0;
  let isConsistent = true;
  return {
    communicator,
    get step() {
      return step;
    },
    get isConsistent() {
      return isConsistent;
    },
    values,
    narrow,
    trained,
    update: async (batches, { highestLoss = Number.POSITIVE_INFINITY } = {}) => {
      const share = asShare(batches);
      const { loss, losses, rewards } = await computeGradients(share, step);
      if (Number.isFinite(loss) && loss > highestLoss) {
        throw communicator.common(await lossSpike(communicator, { step, loss, most: highestLoss, share }));
      }
      const learningRate = learningRateAt(scheduleOf(recipe), step);
      isConsistent = false;
      const norm = Number.isFinite(loss) ? await optimizer.update(step + 1, learningRate) : Number.NaN;
      if (Number.isFinite(norm)) await exchange.gather(weights);
      isConsistent = true;
      if (!Number.isFinite(norm)) {
        const found = { step, loss, norm, share, losses, weights: values, gradients: gradients.tensors() };
        throw communicator.common(await divergence(communicator, found));
      }
      step++;
      return { loss, gradientNorm: norm, learningRate, ...rewards };
    },
    notesOf: (batches) => notesOf(batches, objective),
    ratiosOf: async (batch) => {
      const { ratios } = await replicas[0].evaluate(batch, batch.labelCount);
      if (ratios === undefined)
        throw new RangeError("ratios: are of pairs of answers, got another objective");
      return [...ratios.subarray(0, batch.labelCount)];
    },
    evaluate: (data) => evaluated(data, communicator, replicas[0], recipe),
    gradients: async (batches) => {
      const { loss } = await computeGradients(asShare(batches), step);
      await exchange.gather(gradients);
      return { loss, gradients: gradients.tensors() };
    },
    optimizerState: () => stateDictOf(state),
    collectState: (use) => collectState(state, use),
    restore: async (done, known, optimizerState) => {
      isConsistent = false;
      await restoreWeights(weights, state, known);
      await scatterState(state, optimizerState);
      step = done;
      isConsistent = true;
    },
    dispose: () => {
      for (const replica of replicas) replica.dispose();
      threads.dispose();
    },
  };
}

/** The mean loss of held-out rows; of pairs of answers with their rewards. */
async function evaluated<S>(
  data: EvaluationData<S>,
  communicator: Communicator,
  programs: StepPrograms<S>,
  { dpo }: TrainingRecipe,
): Promise<EvaluationResult> {
  const sums = await evaluationSums(data, communicator, dpo ? 3 : 1, async (batch, labelCount) => {
    const { loss, ratios } = await programs.evaluate(batch, labelCount);
    if (dpo === undefined || ratios === undefined) return [loss];
    const { margin, wins } = rewardSums(batch, ratios, dpo.beta);
    return [loss, margin, wins];
  });
  const [loss, margin, wins] = sums;
  if (dpo === undefined) return { loss };
  const { labelCount } = heldOutBatchesOf(data);
  return { loss, rewardMargin: margin / labelCount, rewardAccuracy: wins / labelCount };
}

function requireOneDevice(devices: readonly Device[], { size }: Communicator): void {
  if (size === 1 || devices.length === 1) return;
  throw new RangeError(
    `replicas: must be 1 in each of several processes, got ${devices.length}; start more processes instead`,
  );
}
