import { basename, resolve } from "node:path";
import { Argument, type Command } from "commander";
import { adapterSource } from "../checkpoint/index.ts";
import {
  benchmarks,
  checkpointDigest,
  type EvaluatedSystem,
  endpointSystem,
  modelSystem,
  readOwlEval,
  runOwlEval,
  runOwlEvalShard,
} from "../evaluation/index.ts";
import type { Owl } from "../owl/index.ts";
import { showCountProgress } from "./count-progress.ts";
import {
  addBenchmarkOptions,
  type BenchmarkOptions,
  benchmarkHelp,
  benchmarkNames,
  printBenchmark,
  printPerplexity,
} from "./eval-benchmark.ts";
import {
  defaultData,
  type EndpointOptions,
  endpointModelOption,
  endpointOf,
  endpointOption,
  printShardDone,
  progressUnit,
  shardOf,
  shardOption,
} from "./eval-options.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { addGenerationOptions, generationSettings } from "./generation-options.ts";
import { interruptible } from "./interrupt.ts";
import { activationsOption, adapterOption, type LoadingOptions, loadOwl } from "./load-owl.ts";
import { countOption, deviceOption, requireAdapter, requireModel, threadsOption } from "./options.ts";

interface EvalRunOptions extends EndpointOptions, LoadingOptions, Omit<BenchmarkOptions, "data"> {
  readonly model?: string;
  readonly data?: string;
  readonly name?: string;
}

/**
 * Runs an evaluation on the model or endpoint of the options, which is closed afterwards.
 *
 * @param work gets the system and, if it is a model of a directory, the model itself
 * @param maxNewTokens default of --max-new-tokens
 */
async function withSystem<T>(
  options: EvalRunOptions,
  work: (system: EvaluatedSystem, owl?: Owl) => Promise<T>,
  maxNewTokens?: number,
): Promise<T> {
  const settings = {
    ...(maxNewTokens !== undefined && { maxNewTokens }),
    ...generationSettings(options),
  };
  const endpoint = endpointOf(options);
  if ((endpoint === undefined) === (options.model === undefined)) {
    throw new UsageError("eval run: must have --model, or --endpoint and --endpoint-model");
  }
  if (endpoint !== undefined) {
    return work(endpointSystem(endpoint, options.name ?? endpoint.model, settings));
  }
  const model = options.model ?? "";
  const directory = await requireModel(model);
  const adapter = await requireAdapter(options.adapter);
  const owl = await loadOwl(directory, options);
  try {
    return await work(
      modelSystem(owl, options.name ?? nameOf(model), await digest(directory, adapter), settings),
      owl,
    );
  } finally {
    await owl.close();
  }
}

/** The name of a system from its model: the last part of a repo's name or a path. */
const nameOf = (model: string): string =>
  /^[\w-]+\/[\w.-]+$/.test(model) ? basename(model) : basename(resolve(model));

/** The SHA-256 that identifies the model, and its adapter if there is one. */
async function digest(directory: string, adapter: string | undefined): Promise<string> {
  const model = await checkpointDigest(directory);
  return adapter === undefined ? model : `${model} + ${await checkpointDigest(await adapterSource(adapter))}`;
}

async function run(name: string, options: EvalRunOptions): Promise<void> {
  if (name !== "owleval") return runBenchmark(name, options);
  const set = await readOwlEval(options.data ?? defaultData);
  const shard = shardOf(options.shard);
  await withSystem(options, async (system) => {
    const out = options.out ?? `${system.name.replace(/[^\w.-]+/g, "-")}_answer.jsonl`;
    const progress = showCountProgress(progressUnit("questions", shard));
    const answers = await interruptible(async (signal) => {
      try {
        const given = { out, batchSize: options.batch, signal, onProgress: progress.update };
        return await (shard === undefined
          ? runOwlEval(set, system, given)
          : runOwlEvalShard(set, system, { ...given, shard }));
      } catch (error) {
        if (!signal.aborted) throw error;
        throw new InterruptedError(`interrupted; ${out} keeps the answers so far, the same command goes on`);
      } finally {
        progress.end();
      }
    });
    if (answers === undefined) {
      if (shard !== undefined) printShardDone(shard, out);
      return;
    }
    const short = answers.filter(({ left_out_turns = 0 }) => left_out_turns > 0).length;
    if (short > 0)
      process.stderr.write(`${short} conversations had no room for their first turns (left_out_turns)\n`);
    process.stderr.write(`all ${answers.length} questions are answered, in\n`);
    process.stdout.write(`${out}\n`);
  });
}

async function runBenchmark(name: string, options: EvalRunOptions): Promise<void> {
  const { data } = options;
  if (data === undefined) throw new UsageError(`eval run ${name}: must have --data, the benchmark's files`);
  const work = async (system: EvaluatedSystem, owl?: Owl): Promise<void> => {
    if (name !== "perplexity") return printBenchmark(name, system, { ...options, data });
    if (owl === undefined) {
      throw new UsageError("eval run perplexity: must have --model, an endpoint does not tell probabilities");
    }
    return printPerplexity(owl, system, { ...options, data });
  };
  await withSystem(options, work, benchmarks[name]?.settings.maxNewTokens);
}

export function define(command: Command): void {
  command
    .addArgument(new Argument("<what>", "OwlEval or a benchmark").choices(["owleval", ...benchmarkNames]))
    .option("--model <model>", "a model directory or a fetched repo, org/name")
    .addOption(adapterOption())
    .addOption(activationsOption())
    .addOption(endpointOption())
    .addOption(endpointModelOption())
    .option(
      "--data <path>",
      `OwlEval's directory (${defaultData} if absent), or a benchmark's directory or file`,
    )
    .option(
      "--out <file>",
      "the answers (default: NAME_answer.jsonl), or a benchmark's result (NAME_BENCHMARK.json)",
    )
    .option("--name <name>", "the system's name in the answers (default: the model's)");
  addGenerationOptions(command)
    .option("--batch <count>", "conversations answered at once", countOption, 16)
    .addOption(shardOption())
    .addOption(deviceOption())
    .addOption(threadsOption());
  addBenchmarkOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  owl eval run owleval --model owl-nano --data owleval
  owl eval run owleval --endpoint http://127.0.0.1:8080/v1 --endpoint-model llava --data owleval

Each answer has the fields of the released files (image, question_id, question, answer, model_id) and records how it was
made: prompt, settings, seed, checkpoint (SHA-256), time. Answers are greedy unless a sampling option is given; their
seed is then 0 unless --seed says otherwise. The same command resumes an interrupted run. OPENAI_API_KEY, if it is set,
is sent to the endpoint.

Several processes or machines can answer a shard each (--shard 1/2, --shard 2/2, or started by mpirun -n 2), with one
--out in a directory that all of them see; the last to finish merges the shards.

Benchmarks, each in the files in which it was published:
${benchmarkHelp()}

  owl eval run pope --model MODEL --data coco --limit 500     figures with intervals, and a result to compare`,
    )
    .action(run);
}
