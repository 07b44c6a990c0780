import {
  answersPath,
  type Benchmark,
  type BenchmarkItem,
  type BenchmarkPlan,
  type BenchmarkResult,
  type BenchmarkRunOptions,
  benchmarks,
  type EvaluatedSystem,
  EvaluationError,
  modelSystem,
  perplexityMeasure,
  planBenchmark,
  readTextWindows,
  runBenchmark,
  runPerplexity,
} from "../evaluation/index.ts";
import { fileName, joinPath, makeDirectory, newDigest, removeFile } from "../platform/index.ts";
import type { Benchmarking, BenchmarkScore } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import type { OwlInTraining } from "./owl-in-training.ts";
import { nameOfBenchmark, type RecipeBenchmark } from "./recipe-benchmark.ts";
import { RecipeError, type RunPlan } from "./recipe-file.ts";

/** In the directory of a run: results of benchmarks, as `owl eval run` writes them, `NAME/step-<number>.json`. */
export const benchmarksDirectory = "benchmarks";

/** A benchmark whose files were read. */
export interface ReadBenchmark {
  readonly given: RecipeBenchmark;
  /** What it asks; of perplexity, which asks nothing, undefined. */
  readonly asked: { readonly benchmark: Benchmark; readonly items: readonly BenchmarkItem[] } | undefined;
  /** A checksum of its questions. */
  readonly digest: string;
}

/**
 * Reads the benchmarks of a recipe, and checks that all can be asked: files and pictures are there, and the figure that decides
 * exists.
 *
 * @throws RecipeError with every problem
 */
export async function readBenchmarks(
  path: string,
  { benchmarks: all = [], recipe: { bestBy } }: RunPlan,
  baseModel: Pick<BaseModel, "tokenizer" | "config">,
): Promise<ReadBenchmark[]> {
  const read: ReadBenchmark[] = [];
  const problems: string[] = [];
  for (const given of all) {
    const name = nameOfBenchmark(given);
    try {
      const { plan, ...one } = await readOne(given, baseModel);
      read.push(one);
      if (baseModel.config.textOnly && plan.showsPictures) {
        problems.push(`benchmarks: ${name} shows pictures, got a language model alone; leave it out`);
      }
      const { figure } = bestBy?.benchmark === name ? bestBy : {};
      if (figure !== undefined && !plan.figures.includes(figure)) {
        problems.push(`bestBy.figure: must be one of ${plan.figures.join(", ")}, got ${figure}`);
      }
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      problems.push(`benchmarks: ${name}: ${error.message}`);
    }
  }
  if (problems.length > 0) throw new RecipeError(path, problems);
  return read;
}

async function readOne(
  given: RecipeBenchmark,
  baseModel: Pick<BaseModel, "tokenizer" | "config">,
): Promise<ReadBenchmark & { readonly plan: BenchmarkPlan }> {
  const { benchmark: kind, data } = given;
  const digest = newDigest("sha256");
  const add = (value: unknown): void => digest.update(new TextEncoder().encode(JSON.stringify(value)));
  add([kind, given.limit ?? null, given.instruction ?? null]);
  if (kind === perplexityMeasure.name) {
    const windows = await readTextWindows(baseModel, data);
    add(windows);
    const figures = Object.keys(perplexityMeasure.figures([]));
    const plan = { items: windows.length, showsPictures: false, figures };
    return { given, asked: undefined, digest: digest.hex(), plan };
  }
  const benchmark = benchmarks[kind];
  const items = await benchmark.read(data);
  const plan = await planBenchmark(benchmark, items, given);
  const { instruction = benchmark.instruction } = given;
  add(items.map((item) => [item.id, item.expected, benchmark.questions(item, instruction)]));
  return { given, asked: { benchmark, items }, digest: digest.hex(), plan };
}

/**
 * Scores the model that learns, by the code of `owl eval run`; each result is written into the run's directory.
 *
 * @param opened undefined in other processes than the first one, which alone is asked
 */
export function benchmarking(
  { benchmarkEvery, recipe, output }: RunPlan,
  read: readonly ReadBenchmark[],
  opened: OwlInTraining | undefined,
): Benchmarking | undefined {
  if (read.length === 0) return undefined;
  return {
    every: benchmarkEvery ?? recipe.evaluateEvery,
    scores: async (step, signal) => {
      if (opened === undefined) throw new Error("benchmarks: are scored by the first process alone");
      opened.forget();
      const scores: BenchmarkScore[] = [];
      for (const one of read) {
        const score = await unlessAborted(signal, () => scored(one, opened, { output, step, signal }));
        if (score === undefined) return undefined;
        scores.push(score);
      }
      return scores;
    },
  };
}

async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T | undefined> {
  if (signal?.aborted) return undefined;
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}

interface ScoredAt {
  readonly output: string;
  readonly step: number;
  readonly signal: AbortSignal | undefined;
}

async function scored(
  { given, asked }: ReadBenchmark,
  { owl }: OwlInTraining,
  { output, step, signal }: ScoredAt,
): Promise<BenchmarkScore> {
  const began = performance.now();
  const directory = joinPath(joinPath(output, benchmarksDirectory), nameOfBenchmark(given));
  await makeDirectory(directory);
  const out = joinPath(directory, `step-${step}.json`);
  // Answers of a process that was killed while it asked may be of other weights.
  await removeFile(answersPath(out));
  const { data, limit, instruction } = given;
  const options = { data, limit, instruction, out, signal };
  const result = await resultOf(asked, owl, `${fileName(output)}, step ${step}`, options);
  // The result has them all.
  await removeFile(answersPath(out));
  return {
    name: nameOfBenchmark(given),
    items: result.items.length,
    figures: figuresOf(result),
    seconds: (performance.now() - began) / 1000,
  };
}

function resultOf(
  asked: ReadBenchmark["asked"],
  owl: OwlInTraining["owl"],
  name: string,
  options: BenchmarkRunOptions,
): Promise<BenchmarkResult> {
  if (asked === undefined) return runPerplexity(owl, name, "", options);
  const { benchmark, items } = asked;
  const { maxNewTokens } = benchmark.settings;
  const settings = maxNewTokens === undefined ? {} : { maxNewTokens };
  // Weights that change have no checksum of files.
  const system: EvaluatedSystem = { ...modelSystem(owl, name, "", settings), checkpoint: null };
  return runBenchmark(system, benchmark, items, options);
}

const figuresOf = ({ figures }: BenchmarkResult): BenchmarkScore["figures"] =>
  Object.fromEntries(
    Object.entries(figures).map(([name, { estimate, low, high }]) => [name, { estimate, low, high }]),
  );
