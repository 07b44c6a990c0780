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
import type { Optimizer } from "./optimizers/index.ts";
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

/** Allocates what a trainer keeps of every trained number, and starts the kernels' threads. */
export function allocateTrained(
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  { optimizer: { state }, devices, communicator: { size }, deterministic }: MemoryNeeds,
): TrainedMemory {
  const tensors = parameters
    .filter(({ trained }) => trained)
    .map((parameter) => ({
      ...parameter,
      learningRateMultiplier: learningRateMultiplierOf(recipe, parameter),
    }));
  const count = 2 + state.length + devices.length + Number(deterministic);
  const layout = layOut(tensors, segmentLengthFor(count));
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
