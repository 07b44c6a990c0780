import { gradientName, type SegmentStep } from "../autodiff/index.ts";
import { isDropoutMask } from "../model/index.ts";
import type { BoundRun, Device, Program } from "../runtime/index.ts";
import {
  allocate,
  type ConstantNumbers,
  type HostTensor,
  placeholdersOf,
  staticSizes,
  structureOf,
  type Tensor,
} from "../tensor/index.ts";
import { type DropoutKey, sampleMasks } from "./dropout.ts";
import type { FlatBuffer } from "./flat-buffer.ts";
import { type Lifetime, shareBuffers } from "./shared-buffers.ts";
import type { WidenedSet, Widening } from "./widening.ts";

/** What steps read and write beside what they hand to each other. */
export interface StepValues {
  /** Of the batch. */
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Parameters in single precision; trained ones are views of the weights' flat buffer. */
  readonly values: ReadonlyMap<string, HostTensor>;
  /** Frozen parameters that are widened for each step that reads them. */
  readonly narrow: ReadonlyMap<string, unknown>;
  readonly widening: Widening;
  readonly trained: readonly string[];
}

/** What a micro-batch gives beside gradients. */
export interface StepOutcome {
  readonly loss: number;
  /** For each pair of answers how much likelier the better one is, as a logarithm; only of pairs. */
  readonly ratios?: Float32Array | undefined;
}

/** Where gradients go, and how they are computed. */
export interface GradientTarget {
  readonly into: FlatBuffer;
  /** Decides what is dropped, where the objective drops anything. */
  readonly dropout: DropoutKey;
  /** Told of trained parameters as soon as their gradients are written for good: of each of them once. */
  readonly onWritten?: ((names: readonly string[]) => void) | undefined;
}

/** The name under which steps give {@link StepOutcome.ratios}. */
export const ratiosName = "ratios";

/** Programs of the steps for batches of one size, with their buffers. */
export interface CompiledSteps {
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Runs all steps. What it gives besides the loss is overwritten by the next run. */
  run(target?: GradientTarget): Promise<StepOutcome>;
  dispose(): void;
}

/** A step with the program that computes it: its own, or that of a step of the same structure. */
interface CompiledStep {
  readonly step: SegmentStep;
  readonly program: Program;
  /** The program's names by the step's own, of inputs and of results. */
  readonly inputNames: ReadonlyMap<string, string>;
  readonly resultNames: ReadonlyMap<string, string>;
  readonly placeholders: ReadonlyMap<string, Tensor>;
  readonly widened: WidenedSet | undefined;
}

/** A step with the tensors of one gradient buffer. */
interface BoundStep {
  readonly run: BoundRun;
  readonly masks: ReadonlyMap<string, HostTensor<"float32">>;
  readonly widened: WidenedSet | undefined;
}

/**
 * Compiles steps; those of the same structure, as a model's layers are, share a program.
 *
 * @throws RangeError where a parameter has no value
 */
export async function compileSteps(
  device: Device,
  steps: readonly SegmentStep[],
  given: StepValues,
): Promise<CompiledSteps> {
  const programs = new Map<
    string,
    { program: Program; placeholders: readonly string[]; results: readonly string[] }
  >();
  const constants: ConstantNumbers = new Map();
  const dispose = (): void => {
    for (const { program } of programs.values()) program.dispose();
  };
  const sets = widenedSets(steps, given);
  const memory = steps.length > 1 || isLarge(given) ? "returned" : "kept";
  const compile = async (step: SegmentStep): Promise<CompiledStep> => {
    const { inputs, parameters } = placeholdersOf(step.graph);
    const { key, placeholders, results } = structureOf(step.graph, constants);
    requireValues([...parameters.keys()], given);
    const known = programs.get(key) ?? {
      program: await device.compile(step.graph, { memory }),
      placeholders,
      results,
    };
    programs.set(key, known);
    return {
      step,
      program: known.program,
      inputNames: pairs(placeholders, known.placeholders),
      resultNames: pairs(results, known.results),
      placeholders: new Map([...inputs, ...parameters]),
      widened: sets.get(step),
    };
  };
  const compiled: CompiledStep[] = [];
  try {
    for (const step of steps) compiled.push(await compile(step));
  } catch (error) {
    dispose();
    throw error;
  }
  return { feeds: given.feeds, run: runnerOf(compiled, given), dispose };
}

/** Bytes of weights from which on asking the system for a step's memory anew is nothing beside the step. */
const largeModel = 2 ** 30;

/**
 * Of several programs, those of layers or of batches of several sizes, each would keep as much memory as it needs, though they run
 * one after the other: so those of a large model keep none. A small one's step would take longer for it.
 */
const isLarge = ({ values }: StepValues): boolean =>
  [...values.values()].reduce((sum, { data }) => sum + data.byteLength, 0) >= largeModel;

/** The narrow weights of each step that reads any. */
function widenedSets(
  steps: readonly SegmentStep[],
  { narrow, widening }: StepValues,
): Map<SegmentStep, WidenedSet> {
  const read = steps
    .map((step) => [...placeholdersOf(step.graph).parameters.keys()].filter((name) => narrow.has(name)))
    .map((names, i) => ({ step: steps[i], names }))
    .filter(({ names }) => names.length > 0);
  if (read.length === 0) return new Map();
  const sets = widening.setsOf(read.map(({ names }) => names));
  return new Map(read.map(({ step }, i) => [step, sets[i]]));
}

function requireValues(parameters: readonly string[], { values, narrow }: StepValues): void {
  const missing = parameters.find((name) => !values.has(name) && !narrow.has(name));
  if (missing !== undefined) throw new RangeError(`training: the model has no value for ${missing}`);
}

const pairs = (own: readonly string[], known: readonly string[]): Map<string, string> =>
  new Map(own.map((name, i) => [name, known[i]]));

function runnerOf(compiled: readonly CompiledStep[], given: StepValues): CompiledSteps["run"] {
  const loss = allocate("float32", []);
  const ratios = ratiosOf(compiled);
  const own = new Map<string, HostTensor>([
    ["loss", loss],
    ...(ratios ? [[ratiosName, ratios] as const] : []),
  ]);
  const parameterOf = new Map(given.trained.map((name) => [gradientName(name), name]));
  const kept = shareBuffers(lifetimesOf(compiled, given, (name) => own.has(name) || parameterOf.has(name)));
  const reached = new Set(compiled.flatMap(({ step }) => Object.keys(step.graph.outputs)));
  const unreached = given.trained.filter((name) => !reached.has(gradientName(name)));
  const runs = new Map<FlatBuffer | undefined, BoundStep[]>();
  const bind = (into: FlatBuffer | undefined): BoundStep[] => {
    const valueNamed = (name: string): HostTensor => {
      const parameter = parameterOf.get(name);
      return own.get(name) ?? (parameter === undefined ? kept.get(name)! : into!.tensor(parameter));
    };
    return compiled.map((step, index) => bindStep(step, index, given, valueNamed));
  };
  const writtenBy = lastWritten(compiled, parameterOf);
  return async ({ into, dropout, onWritten }: Partial<GradientTarget> = {}) => {
    const bound = runs.get(into) ?? bind(into);
    runs.set(into, bound);
    if (into !== undefined) for (const name of unreached) into.tensor(name).data.fill(0);
    onWritten?.(unreached);
    for (const [i, { run, masks, widened }] of bound.entries()) {
      if (dropout !== undefined) sampleMasks(masks, dropout);
      await widened?.widen();
      await run.run();
      onWritten?.(writtenBy[i]);
    }
    return { loss: loss.data[0], ratios: ratios?.data };
  };
}

/** For each step the parameters whose gradients no later one adds to. */
function lastWritten(
  compiled: readonly CompiledStep[],
  parameterOf: ReadonlyMap<string, string>,
): readonly (readonly string[])[] {
  const last = new Map(
    compiled.flatMap(({ step }, i) => Object.keys(step.graph.outputs).map((name) => [name, i] as const)),
  );
  return compiled.map((_, i) =>
    [...last].flatMap(([name, step]) => (step === i ? (parameterOf.get(name) ?? []) : [])),
  );
}

function ratiosOf(compiled: readonly CompiledStep[]): HostTensor<"float32"> | undefined {
  const tensor = compiled.map(({ step }) => step.graph.outputs[ratiosName]).find((one) => one !== undefined);
  return tensor && allocate("float32", staticSizes(tensor.shape, ratiosName));
}

const maskOf = (name: string, step: number): string => `${name} in step ${step}`;

/** When the values live that steps hand to each other, and each step's dropout masks. */
function lifetimesOf(
  compiled: readonly CompiledStep[],
  { feeds }: StepValues,
  isKept: (name: string) => boolean,
): Map<string, Lifetime> {
  const lifetimes = new Map<string, Lifetime>();
  const isElsewhere = (name: string): boolean => isKept(name) || name in feeds;
  const live = (name: string, { dtype, shape }: Tensor, at: number): void => {
    if (isElsewhere(name)) return;
    const { first } = lifetimes.get(name) ?? { first: at };
    lifetimes.set(name, { dtype, dims: staticSizes(shape, name), first, last: at });
  };
  for (const [at, { step, placeholders }] of compiled.entries()) {
    for (const [name, tensor] of placeholders) {
      const value = step.reads.get(name);
      if (value !== undefined) live(value, tensor, at);
      else if (isDropoutMask(name)) live(maskOf(name, at), tensor, at);
    }
    for (const [name, tensor] of Object.entries(step.graph.outputs)) live(name, tensor, at);
  }
  return lifetimes;
}

/** @param valueNamed where a value lies that a step computes, or a mask */
function bindStep(
  { step, program, inputNames, resultNames, placeholders, widened }: CompiledStep,
  index: number,
  { feeds, values }: StepValues,
  valueNamed: (name: string) => HostTensor,
): BoundStep {
  const masks = new Map<string, HostTensor<"float32">>();
  const feedOf = (name: string): HostTensor => {
    const read = step.reads.get(name);
    if (read !== undefined) return valueNamed(read);
    if (!isDropoutMask(name)) return feeds[name] ?? widened?.tensors.get(name) ?? values.get(name)!;
    const mask = valueNamed(maskOf(name, index)) as HostTensor<"float32">;
    masks.set(name, mask);
    return mask;
  };
  const inputs = [...placeholders.keys()].map((name) => [inputNames.get(name)!, feedOf(name)] as const);
  const results = [...resultNames].map(([own, name]) => [name, valueNamed(own)] as const);
  return { run: program.bind(Object.fromEntries(inputs), Object.fromEntries(results)), masks, widened };
}
