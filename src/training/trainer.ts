import type { StateDict } from "../checkpoint/index.ts";
import type { ParameterDescription } from "../model/index.ts";
import { startThreadPool } from "../platform/index.ts";
import type { Device } from "../runtime/index.ts";
import { allocate, type HostTensor } from "../tensor/index.ts";
import { allocateFlatBuffers, type FlatBuffer, layOut, segmentLengthFor } from "./flat-buffer.ts";
import { withCurrentNames } from "./former-names.ts";
import { accumulateGradients } from "./gradient-accumulation.ts";
import { type EvaluationData, heldOutBatchesOf, labelCountOf } from "./held-out.ts";
import { initialize } from "./initialize.ts";
import { kernels } from "./kernels.ts";
import type { NarrowWeight, NarrowWeights } from "./narrow-weights.ts";
import type { Objective } from "./objective.ts";
import { type Optimizer, optimizerOf } from "./optimizers/index.ts";
import { learningRateMultiplierOf, scheduleOf, type TrainingRecipe } from "./recipe.ts";
import { learningRateAt } from "./schedule.ts";
import { createStepPrograms, type StepPrograms, type TrainingBatch } from "./step-programs.ts";
import { createWeightUpdate, type UpdateBuffers } from "./weight-update.ts";

/** The result of one update. */
export interface StepResult {
  /** Mean loss over all labels; 0 where there is none. */
  readonly loss: number;
  /** The norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** Parameters, optimizer and compiled steps of one run. */
export interface Trainer<S> {
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
  /** One update from the accumulated gradients of micro-batches, with the mean loss of all their labels. */
  update(batches: readonly TrainingBatch<S>[]): Promise<StepResult>;
  /** Mean loss over all labels, without dropout and without an update. */
  evaluate(data: EvaluationData<S>): Promise<number>;
  /** Gradients of the mean loss by parameter, as the next update would compute them; views that the next call overwrites. */
  gradients(batches: readonly TrainingBatch<S>[]): Promise<{ loss: number; gradients: StateDict }>;
  /** The optimizer's state, as views by `<state>.<parameter>` (AdamW: `first.<parameter>` and `second.<parameter>`). */
  optimizerState(): StateDict;
  /** Loads trained parameters and optimizer state as they were after so many updates. */
  restore(step: number, trained: StateDict, optimizerState: StateDict): void;
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
};

/** Loss or gradient norm is NaN or infinite: an update would ruin the weights. */
export class DivergenceError extends Error {
  override name = "DivergenceError";
}

/** Allocates and fills the trained parameters, with their gradients and optimizer state. */
export async function createTrainer<S>(options: TrainerOptions<S>): Promise<Trainer<S>> {
  const current = withCurrentNames(options);
  const { objective, weights: known = new Map<string, HostTensor>() } = current;
  const { narrow = new Map<string, NarrowWeight>() } = current;
  const recipe = withCurrentNames(current.recipe);
  const devices = current.replicas ?? [current.device];
  const chosen = optimizerOf(recipe);
  const memory = allocateTrained(objective.parameters, recipe, chosen.optimizer, devices);
  const { layout, weights, gradients, threads } = memory;
  const optimizerState = (): StateDict => stateDictOf(chosen.optimizer, memory.optimizerState);
  const wide = objective.parameters.filter(({ name }) => !narrow.has(name));
  const values = valuesOf(wide, weights, known, recipe.seed);
  const trained = [...layout.views.keys()];
  const replicas = devices.map((device) =>
    createStepPrograms({ device, objective, values, trained, narrow, recompute: recipe.recompute }),
  );
  const computeGradients = createGradientComputation(objective, recipe, replicas, memory);
  const optimizer = createWeightUpdate(memory, chosen, recipe);
  let step = 0;
  let isConsistent = true;
  return {
    get step() {
      return step;
    },
    get isConsistent() {
      return isConsistent;
    },
    values,
    narrow,
    trained,
    update: async (batches) => {
      const loss = await computeGradients(batches, step);
      const learningRate = learningRateAt(scheduleOf(recipe), step);
      isConsistent = false;
      const norm = Number.isFinite(loss) ? await optimizer.update(step + 1, learningRate) : Number.NaN;
      isConsistent = true;
      const gradientNorm = finiteNorm(norm, step, loss);
      step++;
      return { loss, gradientNorm, learningRate };
    },
    evaluate: async (data) => {
      const { labelCount, batches } = heldOutBatchesOf(data);
      let loss = 0;
      for await (const batch of batches()) loss += await replicas[0].evaluate(batch, labelCount);
      return loss;
    },
    gradients: async (batches) => {
      const loss = await computeGradients(batches, step);
      return { loss, gradients: gradients.tensors() };
    },
    optimizerState,
    restore: (done, known, state) => {
      fill(weights.tensors(), known, "trained parameter");
      fill(optimizerState(), state, "optimizer state");
      step = done;
      isConsistent = true;
    },
    dispose: () => {
      for (const replica of replicas) replica.dispose();
      threads.dispose();
    },
  };
}

/** Flat buffers of the trained parameters, and the threads whose kernels work on all of them. */
interface TrainedMemory extends UpdateBuffers {
  /** One for each replica: gradients of further micro-batches until they are added to the first's. */
  readonly microBatchGradients: readonly FlatBuffer[];
}

function allocateTrained(
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  { state }: Optimizer,
  devices: readonly Device[],
): TrainedMemory {
  const tensors = parameters
    .filter(({ trained }) => trained)
    .map((parameter) => ({
      ...parameter,
      learningRateMultiplier: learningRateMultiplierOf(recipe, parameter),
    }));
  const count = 2 + state.length + devices.length;
  const layout = layOut(tensors, segmentLengthFor(count));
  const { buffers, memories } = allocateFlatBuffers(layout, count);
  const [weights, gradients, ...others] = buffers;
  const optimizerState = others.slice(0, state.length);
  const microBatchGradients = others.slice(state.length);
  const threads = devices.reduce((sum, device) => sum + device.threads, 0);
  const kernelThreads = startThreadPool(kernels, memories, threads);
  return { layout, weights, gradients, optimizerState, microBatchGradients, threads: kernelThreads };
}

/** Gradients of the mean loss over all micro-batches, as many side by side as there are replicas; the result is the loss. */
function createGradientComputation<S>(
  objective: Objective<S>,
  { lora, seed }: TrainingRecipe,
  replicas: readonly StepPrograms<S>[],
  { layout, gradients, microBatchGradients, threads }: TrainedMemory,
): (batches: readonly TrainingBatch<S>[], step: number) => Promise<number> {
  const rate = lora?.dropout ?? 0;
  return async (batches, step) => {
    const labels = labelCountOf(batches);
    const firstRows = offsetsOf(batches.map(({ sizes }) => objective.batchSize(sizes)));
    let loss = 0;
    for (let start = 0; start < batches.length; start += replicas.length) {
      const free = start === 0 ? [gradients, ...microBatchGradients] : microBatchGradients;
      const into = free.slice(0, Math.min(replicas.length, batches.length - start));
      const losses = await awaitAll(
        into.map((buffer, i) => {
          const dropout = { rate, seed, step, firstRow: firstRows[start + i] };
          return replicas[i].computeGradients(batches[start + i], labels, buffer, dropout);
        }),
      );
      for (const microBatchLoss of losses) loss += microBatchLoss;
      for (const buffer of into) {
        if (buffer !== gradients) await accumulateGradients(threads, layout, gradients, buffer);
      }
    }
    return loss;
  };
}

/** @throws DivergenceError where the norm is not finite, with which the optimizer changed nothing */
function finiteNorm(norm: number, step: number, loss: number): number {
  if (Number.isFinite(norm)) return norm;
  throw new DivergenceError(
    `step ${step}: loss and gradients must be finite, got loss ${loss} and gradient norm ${norm}; begin again with a lower learning rate, since a run goes on with the one it began with`,
  );
}

/** All results, once every computation has ended: where one fails, none of the others may still write to memory that is freed. */
async function awaitAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function offsetsOf(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum - count;
  });
}

/** Every parameter's value: trained ones as views of the flat buffer, known or initialised. */
function valuesOf(
  parameters: readonly ParameterDescription[],
  buffer: FlatBuffer,
  weights: ReadonlyMap<string, HostTensor>,
  seed: number,
): Map<string, HostTensor> {
  return new Map(
    parameters.map(({ name, dims, initial, trained }) => {
      const value = trained ? buffer.tensor(name) : allocate("float32", dims);
      const known = weights.get(name);
      if (known === undefined) initialize(value.data, name, initial, seed);
      else if (trained) copyInto(value, known, name);
      return [name, trained || known === undefined ? value : known];
    }),
  );
}

/** Optimizer state as it lies in checkpoints. */
function stateDictOf({ state }: Optimizer, buffers: readonly FlatBuffer[]): StateDict {
  return new Map(
    state.flatMap((stateName, i) =>
      [...buffers[i].tensors()].map(([name, tensor]) => [`${stateName}.${name}`, tensor] as const),
    ),
  );
}

function fill(into: StateDict, from: ReadonlyMap<string, HostTensor>, what: string): void {
  for (const [name, tensor] of into) {
    const known = from.get(name);
    if (known === undefined) throw new RangeError(`training state: has no ${what} ${name}`);
    copyInto(tensor, known, name);
  }
}

function copyInto(into: HostTensor, from: HostTensor, name: string): void {
  const fits = from.dtype === "float32" && from.dims.join() === into.dims.join();
  if (!fits) {
    throw new RangeError(
      `training: ${name} must be float32 [${into.dims.join(", ")}], got ${from.dtype} [${from.dims.join(", ")}]`,
    );
  }
  (into.data as Float32Array).set(from.data as Float32Array);
}
