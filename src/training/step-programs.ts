import { gradients as gradientsOf } from "../autodiff/index.ts";
import { LruCache } from "../primitives/index.ts";
import type { BoundRun, Device, Program } from "../runtime/index.ts";
import { allocate, type Graph, type HostTensor, placeholdersOf } from "../tensor/index.ts";
import { allocateMasks, type DropoutKey, type DropoutMasks, sampleMasks } from "./dropout.ts";
import type { FlatBuffer } from "./flat-buffer.ts";
import type { Objective } from "./objective.ts";

/** A micro-batch of any objective. */
export interface TrainingBatch<S> {
  readonly sizes: S;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly labelCount: number;
  readonly tokenCount: number;
  readonly rowsWithoutLabels: readonly string[];
}

/** Compiled programs for batches of different sizes, with their buffers. */
export interface StepPrograms<S> {
  /**
   * The batch's loss, each label weighing 1 / `labelCount`; gradients of all trained parameters go into the buffer, zero
   * where the loss does not depend on a parameter. `dropout` decides what is dropped, where the objective drops anything.
   */
  computeGradients(
    batch: TrainingBatch<S>,
    labelCount: number,
    into: FlatBuffer,
    dropout: DropoutKey,
  ): Promise<number>;
  /** The batch's loss alone, nothing dropped out. */
  evaluate(batch: TrainingBatch<S>, labelCount: number): Promise<number>;
  dispose(): void;
}

interface Compiled {
  readonly program: Program;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly masks: DropoutMasks;
  readonly loss: HostTensor<"float32">;
  /** Every parameter that is an input of the program. */
  readonly parameters: readonly string[];
  /** Trained parameters whose gradient the program computes. */
  readonly reached: readonly string[];
  readonly runs: Map<FlatBuffer | undefined, BoundRun>;
}

// Every program keeps memory for its activations, so the least recently used ones are disposed of.
const maxPrograms = 12;

/**
 * @param values every parameter of the model by name; trained ones are views of the weights' flat buffer
 * @param trained names of the trained parameters
 */
export function createStepPrograms<S>(
  device: Device,
  objective: Objective<S>,
  values: ReadonlyMap<string, HostTensor>,
  trained: readonly string[],
): StepPrograms<S> {
  const programs = new LruCache<string, Promise<Compiled>>({ limit: maxPrograms, onEvict: disposeLater });
  const programFor = (batch: TrainingBatch<S>, training: boolean): Promise<Compiled> => {
    const key = `${training} ${JSON.stringify(batch.sizes)}`;
    const found = programs.get(key);
    if (found !== undefined) return found;
    const compiled = compile(device, objective, batch, values, training ? trained : undefined);
    programs.set(key, compiled);
    return compiled;
  };
  const run = async (
    batch: TrainingBatch<S>,
    labelCount: number,
    into?: FlatBuffer,
    dropout?: DropoutKey,
  ): Promise<number> => {
    const compiled = await programFor(batch, into !== undefined);
    setFeeds(compiled.feeds, batch.feeds, labelCount);
    if (dropout !== undefined) sampleMasks(compiled.masks, dropout);
    await boundTo(compiled, into, values, trained).run();
    return compiled.loss.data[0];
  };
  return {
    computeGradients: run,
    evaluate: (batch, labelCount) => run(batch, labelCount),
    dispose: () => programs.clear(),
  };
}

/** Disposes of a program once it is compiled. Where that failed, the caller that asked for it has got the error. */
function disposeLater(compiled: Promise<Compiled>): void {
  compiled.then(
    ({ program }) => program.dispose(),
    () => undefined,
  );
}

async function compile<S>(
  device: Device,
  objective: Objective<S>,
  batch: TrainingBatch<S>,
  values: ReadonlyMap<string, HostTensor>,
  trained: readonly string[] | undefined,
): Promise<Compiled> {
  const loss = objective.trace(batch.sizes, trained === undefined ? "evaluation" : "training");
  const { inputs, parameters } = placeholdersOf({ name: "loss", outputs: { loss } });
  for (const name of parameters.keys()) {
    if (!values.has(name)) throw new RangeError(`training: the model has no value for ${name}`);
  }
  const reached = (trained ?? []).filter((name) => parameters.has(name));
  const wrt = gradientsOf(
    loss,
    reached.map((name) => parameters.get(name)!),
  );
  const outputs = Object.fromEntries(reached.map((name, i) => [gradientName(name), wrt[i]]));
  const graph: Graph = { name: "step", outputs: { loss, ...outputs } };
  const feeds = Object.entries(batch.feeds).map(([name, { dtype, dims }]) => [name, allocate(dtype, dims)]);
  return {
    program: await device.compile(graph),
    feeds: Object.fromEntries(feeds),
    masks: allocateMasks(inputs),
    loss: allocate("float32", []),
    parameters: [...parameters.keys()],
    reached,
    runs: new Map(),
  };
}

const gradientName = (name: string): string => `gradient of ${name}`;

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

function boundTo(
  compiled: Compiled,
  into: FlatBuffer | undefined,
  values: ReadonlyMap<string, HostTensor>,
  trained: readonly string[],
): BoundRun {
  const { program, feeds, masks, loss, parameters, reached, runs } = compiled;
  if (into !== undefined) {
    const missing = new Set(trained);
    for (const name of reached) missing.delete(name);
    for (const name of missing) into.tensor(name).data.fill(0);
  }
  const found = runs.get(into);
  if (found !== undefined) return found;
  const used = parameters.map((name) => [name, values.get(name)!] as const);
  const results = into ? reached.map((name) => [gradientName(name), into.tensor(name)] as const) : [];
  const run = program.bind(
    { ...feeds, ...Object.fromEntries(masks), ...Object.fromEntries(used) },
    { loss, ...Object.fromEntries(results) },
  );
  runs.set(into, run);
  return run;
}
