import { segmentSteps } from "../autodiff/index.ts";
import { LruCache } from "../primitives/index.ts";
import type { Device } from "../runtime/index.ts";
import { allocate, type HostTensor, placeholdersOf, type Tensor } from "../tensor/index.ts";
import {
  type CompiledSteps,
  compileSteps,
  type GradientTarget,
  ratiosName,
  type StepOutcome,
  type StepValues,
} from "./compiled-steps.ts";
import type { NarrowWeights } from "./narrow-weights.ts";
import type { Objective } from "./objective.ts";
import { createWidening } from "./widening.ts";

/** A micro-batch of any objective. */
export interface TrainingBatch<S> {
  readonly sizes: S;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly labelCount: number;
  readonly tokenCount: number;
  readonly rowsWithoutLabels: readonly string[];
  /** Names of all rows, for errors. */
  readonly rowNames?: readonly string[] | undefined;
}

/** Compiled programs for batches of different sizes, with their buffers. */
export interface StepPrograms<S> {
  /**
   * The batch's loss, each label weighing 1 / `labelCount`; gradients of all trained parameters go into the buffer, zero
   * where the loss does not depend on a parameter.
   */
  computeGradients(batch: TrainingBatch<S>, labelCount: number, target: GradientTarget): Promise<StepOutcome>;
  /** The batch's loss alone, nothing dropped out. */
  evaluate(batch: TrainingBatch<S>, labelCount: number): Promise<StepOutcome>;
  dispose(): void;
}

// Every program keeps memory for its activations, so the least recently used ones are disposed of.
const maxPrograms = 12;

/** What programs of steps compute with. */
export interface StepProgramsOptions<S> {
  readonly device: Device;
  readonly objective: Objective<S>;
  /** Every parameter of the model by name but narrow ones; trained ones are views of the weights' flat buffer. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /** Names of the trained parameters. */
  readonly trained: readonly string[];
  /** Frozen parameters in fewer bytes, which are widened when a program reads them; only with `recompute`. */
  readonly narrow?: NarrowWeights | undefined;
  /**
   * Whether the model is computed layer by layer, by programs that layers share, and the forward pass of a layer anew in its
   * backward pass. False if absent: one program computes a whole step.
   */
  readonly recompute?: boolean | undefined;
}

export function createStepPrograms<S>(options: StepProgramsOptions<S>): StepPrograms<S> {
  const { device, values, trained, narrow = new Map() } = options;
  const widening = createWidening(narrow, device.threads);
  const given = { values, trained, narrow, widening };
  const programs = new LruCache<string, Promise<CompiledSteps>>({
    limit: maxPrograms,
    onEvict: disposeLater,
  });
  const programFor = (batch: TrainingBatch<S>, training: boolean): Promise<CompiledSteps> => {
    const key = `${training} ${JSON.stringify(batch.sizes)}`;
    const found = programs.get(key);
    if (found !== undefined) return found;
    const compiled = compile(options, given, batch, training);
    programs.set(key, compiled);
    return compiled;
  };
  const run = async (
    batch: TrainingBatch<S>,
    labelCount: number,
    target?: GradientTarget,
  ): Promise<StepOutcome> => {
    const compiled = await programFor(batch, target !== undefined);
    setFeeds(compiled.feeds, batch.feeds, labelCount);
    return compiled.run(target);
  };
  return {
    computeGradients: run,
    evaluate: (batch, labelCount) => run(batch, labelCount),
    dispose: () => {
      programs.clear();
      widening.dispose();
    },
  };
}

/** Disposes of programs once they are compiled. Where that failed, the caller that asked for them has got the error. */
function disposeLater(compiled: Promise<CompiledSteps>): void {
  compiled.then(
    (steps) => steps.dispose(),
    () => undefined,
  );
}

async function compile<S>(
  { device, objective, recompute = false }: StepProgramsOptions<S>,
  given: Omit<StepValues, "feeds">,
  batch: TrainingBatch<S>,
  training: boolean,
): Promise<CompiledSteps> {
  const boundaries: Tensor[] = [];
  const onBoundary = recompute ? (tensor: Tensor) => void boundaries.push(tensor) : undefined;
  const details: Record<string, Tensor> = {};
  const loss = objective.trace(batch.sizes, training ? "training" : "evaluation", onBoundary, (ratios) => {
    details[ratiosName] = ratios;
  });
  const { parameters } = placeholdersOf({ name: "loss", outputs: { loss } });
  const reached = training ? given.trained.filter((name) => parameters.has(name)) : [];
  const wanted = new Map(reached.map((name) => [name, parameters.get(name)!]));
  const feeds = Object.entries(batch.feeds).map(([name, { dtype, dims }]) => [name, allocate(dtype, dims)]);
  const steps = segmentSteps(loss, boundaries, wanted, details);
  return compileSteps(device, steps, { ...given, feeds: Object.fromEntries(feeds) });
}

function setFeeds(
  into: Readonly<Record<string, HostTensor>>,
  from: Readonly<Record<string, HostTensor>>,
  labelCount: number,
): void {
  for (const [name, { data }] of Object.entries(from)) copy(data, into[name].data);
  const weights = into.loss_weights.data as Float32Array;
  const scale = 1 / Math.max(1, labelCount);
  for (let i = 0; i < weights.length; i++) weights[i] *= scale;
}

function copy(from: HostTensor["data"], into: HostTensor["data"]): void {
  const bytes = (data: HostTensor["data"]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  bytes(into).set(bytes(from));
}
