import type { ParameterDescription } from "../model/index.ts";
import { startThreadPool } from "../platform/index.ts";
import type { Device } from "../runtime/index.ts";
import { allocate, type HostTensor } from "../tensor/index.ts";
import type { Communicator } from "./communicator.ts";
import {
  allocateFlatBuffers,
  type FlatBuffer,
  type Layout,
  layOut,
  type Scratch,
  segmentLengthFor,
} from "./flat-buffer.ts";
import { fillWithRowNorms, initialize } from "./initialize.ts";
import { kernels } from "./kernels.ts";
import { type NarrowWeights, widened } from "./narrow-weights.ts";
import { type Optimizer, optimizerOf } from "./optimizers/index.ts";
import { learningRateMultiplierOf, type TrainingRecipe } from "./recipe.ts";
import { scratchBytesFor } from "./shard-exchange.ts";
import { ownedChunks } from "./shards.ts";
import type { UpdateBuffers } from "./weight-update.ts";

/** Flat buffers of the trained parameters, and the threads whose kernels work on all of them. */
export interface TrainedMemory extends UpdateBuffers {
  readonly layout: Layout;
  readonly scratch: Scratch;
  /** One for each replica, and one more where `deterministic`: gradients of further micro-batches until they are added. */
  readonly microBatchGradients: readonly FlatBuffer[];
}

interface MemoryNeeds {
  readonly optimizer: Optimizer;
  readonly devices: readonly Device[];
  readonly communicator: Communicator;
  readonly deterministic: boolean;
}

/** How trained parameters lie in memory, and how many numbers are kept of each. @throws RangeError where one is too large for it */
function layoutOf(
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  { optimizer, replicas, deterministic }: { optimizer: Optimizer; replicas: number; deterministic: boolean },
): { readonly layout: Layout; readonly count: number } {
  const tensors = parameters
    .filter(({ trained }) => trained)
    .map((parameter) => ({
      ...parameter,
      learningRateMultiplier: learningRateMultiplierOf(recipe, parameter),
    }));
  const count = 2 + optimizer.state.length + replicas + Number(deterministic);
  return { layout: layOut(tensors, segmentLengthFor(count)), count };
}

/**
 * Refuses a training of parameters too large to be updated, before any weights are read.
 *
 * @throws {RangeError} where a trained tensor has more numbers than one memory of the kernels holds with its gradients and optimizer state
 */
export function requireUpdatable(
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  { replicas, deterministic }: { readonly replicas: number; readonly deterministic: boolean },
): void {
  layoutOf(parameters, recipe, { optimizer: optimizerOf(recipe).optimizer, replicas, deterministic });
}

/** Allocates what a trainer keeps of every trained number, and starts the kernels' threads. */
export function allocateTrained(
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  { optimizer, devices, communicator: { size }, deterministic }: MemoryNeeds,
): TrainedMemory {
  const { state } = optimizer;
  const needs = { optimizer, replicas: devices.length, deterministic };
  const { layout, count } = layoutOf(parameters, recipe, needs);
  const { buffers, scratch, memories } = allocateFlatBuffers(layout, count, scratchBytesFor(size));
  const [weights, gradients, ...others] = buffers;
  return {
    layout,
    scratch,
    weights,
    gradients,
    chunks: ownedChunks(layout, size),
    optimizerState: others.slice(0, state.length),
    microBatchGradients: others.slice(state.length),
    threads: startThreadPool(
      kernels,
      memories,
      devices.reduce((sum, device) => sum + device.threads, 0),
    ),
  };
}

/** What the parameters of a run begin with. */
interface StartingValues {
  readonly known: ReadonlyMap<string, HostTensor>;
  readonly narrow: NarrowWeights;
  readonly seed: number;
}

/** The values of every parameter but narrow ones: trained ones as views of the flat buffer, known or initialised. */
export function valuesOf(
  parameters: readonly ParameterDescription[],
  buffer: FlatBuffer,
  { known: weights, narrow, seed }: StartingValues,
): Map<string, HostTensor> {
  const norms: { readonly into: Float32Array; readonly of: string }[] = [];
  const values = new Map(
    parameters
      .filter(({ name }) => !narrow.has(name))
      .map(({ name, dims, initial, trained }): [string, HostTensor] => {
        const value = trained ? buffer.tensor(name) : allocate("float32", dims);
        const known = weights.get(name);
        if (known !== undefined) {
          if (trained) copyInto(value, known, name);
        } else if (initial.kind === "rowNorms") norms.push({ into: value.data, of: initial.of });
        else initialize(value.data, name, initial, seed);
        return [name, trained || known === undefined ? value : known];
      }),
  );
  for (const { into, of } of norms) {
    const packed = narrow.get(of);
    fillWithRowNorms(into, packed === undefined ? values.get(of)! : widened(packed));
  }
  return values;
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
