import { z } from "zod";
import { isRun, startDirectory, startFile } from "../checkpoint/index.ts";
import { readRowLines } from "../data/index.ts";
import { nameOfModel } from "../hub/index.ts";
import { completeDirectory, joinPath, parentDirectory, pathKind, readJson } from "../platform/index.ts";

/** Values at steps, which ascend. */
export interface Curve {
  readonly steps: number[];
  readonly values: number[];
}

/** A benchmark over a run: its first figure, which is the most important one, by step. */
export interface BenchmarkCurve extends Curve {
  readonly name: string;
  readonly figure: string;
  readonly items: number;
  /** The intervals of the values. */
  readonly intervals: (readonly [low: number, high: number])[];
}

/** What a run left of itself. */
export interface RunRecord {
  /** Steps done. */
  readonly step: number;
  /** The step whose weights are the result. */
  readonly resultStep: number;
  readonly tokens: number;
  readonly recipe: Readonly<Record<string, unknown>>;
  /** The data, a line each. */
  readonly data: readonly string[];
  /** The model that it began with; undefined for a fresh one. */
  readonly base: string | undefined;
  readonly log: LogRecord;
}

/** What a run's log tells, without steps that were computed again. */
export interface LogRecord {
  /** The loss of the training's rows. */
  readonly loss: Curve;
  /** The loss of held-out rows. */
  readonly heldOut: Curve;
  readonly benchmarks: readonly BenchmarkCurve[];
  /** What the steps took, all together. */
  readonly seconds: number;
  /** On which machines, such as `AMD EPYC, 2 processes`. */
  readonly machines: readonly string[];
}

const stateSchema = z.object({
  step: z.number(),
  tokens: z.number().default(0),
  recipe: z.record(z.string(), z.unknown()),
  evaluation: z.object({ best: z.object({ step: z.number() }) }).optional(),
  inputs: z.record(z.string(), z.object({ description: z.string(), isData: z.boolean() })).default({}),
});
const keepSchema = z.object({ keep: z.object({ best: z.boolean().default(false) }) });
const startSchema = z.object({ model: z.string().nullable() });

/** What the run of a directory recorded: of a run's own, or of the one that the directory lies in. */
export async function runRecord(directory: string): Promise<RunRecord | undefined> {
  for (const run of [directory, parentDirectory(directory)]) {
    const state = joinPath(run, "state");
    if (!(await isRun(run)) || (await pathKind(state)) !== "directory") continue;
    const file = joinPath(await completeDirectory(state), "training_state.json");
    const { inputs, evaluation, ...rest } = stateSchema.parse(await readJson(file));
    const data = Object.entries(inputs)
      .filter(([key, { isData }]) => isData && /^data \d+$/.test(key))
      .map(([, { description }]) => description);
    const isBestKept = keepSchema.safeParse(rest.recipe).data?.keep.best === true;
    const resultStep = (isBestKept ? evaluation?.best.step : undefined) ?? rest.step;
    return { ...rest, resultStep, data, base: await baseOf(run), log: await logOf(run) };
  }
  return undefined;
}

async function baseOf(run: string): Promise<string | undefined> {
  const file = joinPath(run, startDirectory, startFile);
  if ((await pathKind(file)) !== "file") return undefined;
  const { model } = startSchema.parse(await readJson(file));
  return model === null ? undefined : nameOfModel(model);
}

const figureSchema = z.object({ estimate: z.number(), low: z.number(), high: z.number() });
const lineSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("start"),
    step: z.number(),
    processor: z.string().optional(),
    processes: z.number().optional(),
  }),
  z.object({ kind: z.literal("step"), step: z.number(), loss: z.number(), seconds: z.number().default(0) }),
  z.object({ kind: z.literal("evaluation"), step: z.number(), loss: z.number() }),
  z.object({
    kind: z.literal("benchmark"),
    step: z.number(),
    name: z.string(),
    items: z.number(),
    figures: z.record(z.string(), figureSchema),
  }),
]);
type LogLine = z.infer<typeof lineSchema>;

/** @param run the directory that `owl train` writes to */
export async function logOf(run: string): Promise<LogRecord> {
  const reading = new LogReading();
  const path = joinPath(run, "log.jsonl");
  if ((await pathKind(path)) !== "file") return reading.record();
  for await (const { text } of readRowLines(path)) {
    const parsed = lineSchema.safeParse(text === undefined ? undefined : jsonOf(text));
    if (parsed.success) reading.add(parsed.data);
  }
  return reading.record();
}

/** A line that a killed run cut short is no JSON. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Reads a log line by line. */
class LogReading {
  readonly #loss: Curve = { steps: [], values: [] };
  readonly #heldOut: Curve = { steps: [], values: [] };
  readonly #seconds: Curve = { steps: [], values: [] };
  readonly #benchmarks = new Map<string, BenchmarkCurve>();
  readonly #machines = new Set<string>();

  add(line: LogLine): void {
    const { kind, step } = line;
    if (kind === "start") this.#beginAt(line);
    else if (kind === "evaluation") put(this.#heldOut, step, line.loss);
    else if (kind === "benchmark") this.#addBenchmark(line);
    else {
      put(this.#loss, step, line.loss);
      put(this.#seconds, step, line.seconds);
    }
  }

  /** A process that goes on computes again what an earlier one has done after its checkpoint. */
  #beginAt({ step, processor, processes = 1 }: Extract<LogLine, { kind: "start" }>): void {
    const benchmarks = [...this.#benchmarks.values()];
    for (const curve of [this.#loss, this.#heldOut, this.#seconds, ...benchmarks]) {
      const kept = curve.steps.filter((one) => one <= step).length;
      curve.steps.length = kept;
      curve.values.length = kept;
    }
    for (const { steps, intervals } of benchmarks) intervals.length = steps.length;
    if (processor !== undefined) {
      this.#machines.add(processes === 1 ? processor : `${processor}, ${processes} processes`);
    }
  }

  #addBenchmark({ step, name, items, figures }: Extract<LogLine, { kind: "benchmark" }>): void {
    const [first] = Object.entries(figures);
    if (first === undefined) return;
    const [figure, { estimate, low, high }] = first;
    const curve = this.#benchmarks.get(name) ?? { name, figure, items, steps: [], values: [], intervals: [] };
    this.#benchmarks.set(name, curve);
    put(curve, step, estimate);
    curve.intervals[curve.steps.length - 1] = [low, high];
  }

  record(): LogRecord {
    return {
      loss: this.#loss,
      heldOut: this.#heldOut,
      benchmarks: [...this.#benchmarks.values()].filter(({ steps }) => steps.length > 0),
      seconds: this.#seconds.values.reduce((sum, one) => sum + one, 0),
      machines: [...this.#machines],
    };
  }
}

/** Puts a value at the end of a curve, in the place of one of the same step. */
function put({ steps, values }: Curve, step: number, value: number): void {
  const at = steps.at(-1) === step ? steps.length - 1 : steps.length;
  steps[at] = step;
  values[at] = value;
}
