import { type Command, Option } from "commander";
import {
  type BenchmarkResult,
  type BenchmarkRunOptions,
  benchmarks,
  type EvaluatedSystem,
  figureText,
  measures,
  runBenchmark,
  runBenchmarkShard,
  runPerplexity,
  type Shard,
} from "../evaluation/index.ts";
import type { Owl } from "../owl/index.ts";
import { showCountProgress } from "./count-progress.ts";
import { printShardDone, progressUnit, shardOf } from "./eval-options.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { countOption, numberOption } from "./options.ts";

/** What `owl eval run` takes beside OwlEval. */
export const benchmarkNames: readonly string[] = Object.keys(measures);

export interface BenchmarkOptions {
  readonly data: string;
  readonly out?: string;
  readonly limit?: number;
  readonly sampleSeed?: number;
  readonly instruction?: string;
  readonly window?: number;
  readonly shard?: Shard | undefined;
  readonly batch: number;
}

/** Adds the options that benchmarks have and OwlEval has not. */
export function addBenchmarkOptions(command: Command): Command {
  const only = (flags: string, description: string): Option =>
    new Option(flags, `benchmarks: ${description}`);
  return command
    .addOption(only("--limit <count>", "evaluate a random sample of this many items").argParser(countOption))
    .addOption(only("--sample-seed <number>", "seed of that sample (0 if absent)").argParser(numberOption))
    .addOption(only("--instruction <text>", "text after every question, in place of the benchmark's own"))
    .addOption(
      only("--window <tokens>", "perplexity: context window in tokens (512)").argParser(countOption),
    );
}

/** One line for each benchmark: its name, what it measures, and which files it wants. */
export function benchmarkHelp(): string {
  const lines = Object.values(measures).map(
    ({ name, description, files }) =>
      `  ${name.padEnd(14)} ${description}\n${" ".repeat(17)}--data: ${files}`,
  );
  return lines.join("\n");
}

export async function printBenchmark(
  name: string,
  system: EvaluatedSystem,
  options: BenchmarkOptions,
): Promise<void> {
  const benchmark = benchmarks[name];
  const items = await benchmark.read(options.data);
  const shard = shardOf(options.shard);
  await showRun(system.name, name, { ...options, shard }, (given) =>
    shard === undefined
      ? runBenchmark(system, benchmark, items, given)
      : runBenchmarkShard(system, benchmark, items, { ...given, shard }),
  );
}

export async function printPerplexity(
  owl: Owl,
  { name, checkpoint }: EvaluatedSystem,
  options: BenchmarkOptions,
): Promise<void> {
  if (shardOf(options.shard) !== undefined) {
    throw new UsageError("eval run perplexity: must be asked whole, without --shard or mpirun");
  }
  await showRun(name, "perplexity", options, (given) =>
    runPerplexity(owl, name, checkpoint ?? "", { ...given, window: options.window }),
  );
}

async function showRun(
  system: string,
  benchmark: string,
  { data, limit, sampleSeed, instruction, batch, shard, ...options }: BenchmarkOptions,
  run: (given: BenchmarkRunOptions) => Promise<BenchmarkResult | undefined>,
): Promise<void> {
  const out = options.out ?? `${system.replace(/[^\w.-]+/g, "-")}_${benchmark}.json`;
  const progress = showCountProgress(progressUnit("items", shard));
  const result = await interruptible(async (signal) => {
    try {
      const asked = { data, out, limit, drawSeed: sampleSeed, instruction, batchSize: batch };
      return await run({ ...asked, signal, onProgress: progress.update });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError("interrupted; the answers so far are kept, the same command goes on");
    } finally {
      progress.end();
    }
  });
  if (result === undefined) {
    if (shard !== undefined) printShardDone(shard, out);
    return;
  }
  for (const line of figureLines(result)) process.stdout.write(`${line}\n`);
  process.stdout.write(`${out}\n`);
}

/** The figures of a result with their intervals, and what was asked. */
function figureLines({ figures, items, itemsInSet }: BenchmarkResult): string[] {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  const cut = items
    .flatMap(({ finishReasons }) => finishReasons)
    .filter((reason) => reason === "length").length;
  return [
    ...Object.entries(figures).map(
      ([name, { estimate, low, high }]) =>
        `${name.padEnd(width)}  ${figureText(estimate).padStart(8)}  (95 %: ${figureText(low)} to ${figureText(high)})`,
    ),
    `${items.length} of ${itemsInSet} items${cut > 0 ? `; ${cut} answers were cut (--max-new-tokens)` : ""}`,
  ];
}
