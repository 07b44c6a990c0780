import type { Command } from "commander";
import { DataError } from "../data/index.ts";
import { stages } from "../model/index.ts";
import {
  type ExecutionProvider,
  FileError,
  isRunning,
  jobStarter,
  joinPath,
  launchedProcesses,
  startMpiJob,
} from "../platform/index.ts";
import { OutputError, prepareRun, publishedRecipes, requireFreshOutput } from "../recipes/index.ts";
import { type Communicator, hasState, joinProcesses, type TrainingEvent } from "../training/index.ts";
import { InterruptedError, messageOf, ReportedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { watchPort } from "./listening.ts";
import { countOption, deviceOption, portOption, sizeOption, threadsOption } from "./options.ts";
import { showPictureProgress } from "./picture-progress.ts";
import { runResult, runSummary, shellQuoted } from "./train-summary.ts";
import { showTrainingProgress } from "./training-progress.ts";
import type { OpenedWatch } from "./watch.ts";

interface TrainCommandOptions {
  readonly resume?: boolean;
  readonly output?: string;
  readonly set?: readonly string[];
  readonly device: ExecutionProvider;
  readonly threads?: number;
  readonly replicas?: number;
  readonly processes?: number;
  readonly deterministic?: boolean;
  readonly dataThreads?: number;
  readonly checkPictures?: boolean;
  readonly skipBadRows?: number;
  readonly allowChangedData?: boolean;
  /** A port; true: the usual one. */
  readonly watch?: number | true;
}

async function trainFrom(path: string, options: TrainCommandOptions): Promise<void> {
  const { processes, ...ofEach } = options;
  if (processes !== undefined) return startProcesses(processes);
  const communicator = await joinProcesses();
  try {
    await trainHere(path, ofEach, communicator);
  } catch (error) {
    if (!communicator.isCommon(error)) communicator.abort(error);
    // The first process tells what is every one's.
    if (communicator.rank === 0) throw error;
  } finally {
    await communicator.close();
  }
}

/** The same command in several processes of this machine, without `--processes`. */
async function startProcesses(processes: number): Promise<void> {
  if (launchedProcesses() > 1) {
    throw new UsageError(
      "--processes: is for one process to start others, got several that mpirun or srun started; leave it out",
    );
  }
  const words = process.argv.slice(1);
  const at = words.findIndex((word) => /^--processes(=|$)/.test(word));
  words.splice(at, words[at] === "--processes" ? 2 : 1);
  const job = await startMpiJob(processes, [process.execPath, ...process.execArgv, ...words]);
  const code = await interruptible(
    async (signal) => {
      signal.addEventListener("abort", job.stop);
      return job.done;
    },
    { onSecond: job.kill },
  );
  if (code !== 0) throw new ReportedError(`a job of ${processes} processes ended with code ${code}`, code);
}

function asUsageError(error: unknown): never {
  throw error instanceof OutputError ? new UsageError(error.message) : error;
}

/**
 * Stops this process, as Ctrl-C does, when the command that started its job is no more: no one else could be asked to.
 *
 * @returns ends that: a process that stops with the others must not be sent a signal that it no longer handles
 */
function stopWithStarter(): () => void {
  const starter = jobStarter();
  if (starter === undefined) return () => undefined;
  const watch = setInterval(() => {
    if (isRunning(starter)) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGUSR2");
  }, 1000);
  watch.unref();
  return () => clearInterval(watch);
}

async function trainHere(
  path: string,
  options: Omit<TrainCommandOptions, "processes">,
  communicator: Communicator,
): Promise<void> {
  const {
    resume = false,
    output,
    set,
    replicas,
    deterministic,
    dataThreads,
    device,
    threads,
    checkPictures,
    watch,
    ...tolerances
  } = options;
  const isFirst = communicator.rank === 0;
  const forgetStarter = stopWithStarter();
  // A server is much to load for those who do not watch.
  const pages = watch === undefined ? undefined : await import("./watch.ts");
  const port = typeof watch === "number" ? watch : watchPort;
  await communicator.fromFirst(() => pages?.requireWatchable(port, "train --watch"));
  const pictures = showPictureProgress();
  const onPicture = pictures.forFile;
  const overrides = { output, set, replicas, deterministic, dataThreads, checkPictures, onPicture };
  const run = await prepareRun(path, overrides).finally(pictures.end);
  await communicator.fromFirst(async () => {
    const isBegun = resume && (await hasState(joinPath(run.plan.output, "state")));
    if (!isBegun) await requireFreshOutput(run.plan.output).catch(asUsageError);
  });
  if (isFirst) process.stdout.write(`${runSummary(run, threads)}\n`);
  let page: OpenedWatch | undefined;
  if (isFirst && pages !== undefined) {
    page = await pages.openWatch([run.plan.output], port, "train --watch");
    process.stdout.write(`watch      ${page.address}\n`);
  }
  const progress = showTrainingProgress(run.plan.recipe.steps);
  const deviceOptions = { device, ...(threads !== undefined && { threads }) };
  const outputOption = output === undefined ? "" : ` --output ${shellQuoted(output)}`;
  const setOptions = (set ?? []).map((setting) => ` --set ${shellQuoted(setting)}`).join("");
  const resumeCommand = `\`owl train ${shellQuoted(path)}${outputOption}${setOptions} --resume\``;
  let saved = 0;
  const spent = { seconds: 0, waiting: 0 };
  const onEvent = (event: TrainingEvent): void => {
    if (event.kind === "checkpoint" || event.kind === "start") saved = event.step;
    if (event.kind === "step") {
      spent.seconds += event.seconds;
      spent.waiting += event.waitSeconds;
    }
    progress.update(event);
  };
  const outcome = await interruptible(
    (signal) =>
      run.start({ resume, signal, onEvent, device: deviceOptions, ...tolerances }).finally(forgetStarter),
    {
      onInterrupt: () => {
        if (isFirst)
          progress.log("stopping after this step (Ctrl-C again ends at once, without a checkpoint)");
      },
    },
  )
    .finally(isFirst ? progress.end : undefined)
    .finally(() => page?.close())
    .catch((error: unknown) => {
      throw communicator.isCommon(error)
        ? communicator.common(withNextStep(error, saved, resumeCommand))
        : error;
    });
  if (outcome.complete) {
    if (isFirst) process.stdout.write(`${runResult(run, outcome, spent)}\n`);
    return;
  }
  throw communicator.common(
    new InterruptedError(
      `interrupted after step ${outcome.step} of ${run.plan.recipe.steps}; ${resumeCommand} goes on from there, \`owl chat ${shellQuoted(run.plan.output)}\` asks what it has learned so far`,
    ),
  );
}

/**
 * The error that stopped a run, with what to do: go on from the last checkpoint, or begin again where there is none and the
 * cause lies outside (a row, a file, the disk).
 *
 * @param saved the step of the last checkpoint, also one of an earlier process; 0: none
 */
function withNextStep(error: unknown, saved: number, resumeCommand: string): unknown {
  const isOutside = error instanceof DataError || error instanceof FileError;
  if (saved === 0 && !isOutside) return error;
  const isData = error instanceof DataError;
  const skip = isData ? "; --skip-bad-rows N leaves up to N such rows out" : "";
  // A row or picture that was never whole has another checksum once it is.
  const mended = isData && saved > 0 ? " (with --allow-changed-data, if it is another file or row then)" : "";
  const next =
    saved === 0
      ? `No checkpoint was written yet: mend the cause and give the same command again${skip}.`
      : `What was learned up to step ${saved} is saved: mend the cause, then ${resumeCommand} goes on from there${mended}${skip}.`;
  return new Error(`${messageOf(error)}\n${next}`, { cause: error });
}

const publishedList = Object.entries(publishedRecipes)
  .map(([name, { recipe }]) => `  ${name.padEnd(18)} ${stages[recipe.stage].description}`)
  .join("\n");

export function define(command: Command): void {
  command
    .argument("<recipe>", "a recipe file (YAML)")
    .option("--resume", "resume from the last checkpoint, exactly as if the run had not stopped")
    .option("--output <directory>", "directory of model, checkpoints and log, in place of the recipe's")
    .option(
      "--set <key=value>",
      "a key of the recipe that wins over the file's, such as steps=200 or lora.rank=4; may be given several times",
      (setting: string, earlier: readonly string[] = []) => [...earlier, setting],
    )
    .addOption(deviceOption())
    .addOption(threadsOption())
    .option(
      "--replicas <count>",
      "data-parallel replicas: micro-batches computed at once, each on its part of the threads (default: 1)",
      countOption,
    )
    .option(
      "--processes <count>",
      "processes on this machine that share out each update; they divide the threads (mpirun starts them: docs/clusters.md)",
      countOption,
    )
    .option(
      "--deterministic",
      "the same bits with any number of processes, given as many --threads each; more is sent between them",
    )
    .option(
      "--data-threads <count>",
      "threads that decode and augment pictures beside the computation; 0: none (default: a quarter of the processors, at most 8)",
      sizeOption,
    )
    .option(
      "--check-pictures",
      "decode every picture before the start; by default only the beginnings of their files are read",
    )
    .option(
      "--skip-bad-rows <count>",
      "tolerate up to so many unreadable rows: the next row takes the place of each, and the log names them",
      countOption,
    )
    .option("--allow-changed-data", "with --resume: continue even if rows or pictures have changed")
    .option(
      "--watch [port]",
      `serve a page with its curves and sample answers while it trains, as \`owl watch\` does (default port: ${watchPort})`,
      portOption,
    )
    .addHelpText(
      "after",
      `
A recipe names the stage, the data and the hyperparameters. It may extend a published one:

  # mine.yaml; paths are relative to this file
  extends: stage-2                 # \`owl recipe stage-2\` shows its numbers and their reasons
  model: owl-nano                  # where to start; from nothing: config: nano and tokenizer: DIR (\`owl tokenizer\`)
  output: ../runs/mine             # model/, adapter/, state/ (checkpoint), log.jsonl
  data:
    - file: text.jsonl             # {"text": "Human: …\\nAI: …"} a line
    - file: pictures.jsonl         # {"image": ["a.jpg"], "text": "Human: <image>\\nHuman: …\\nAI: …"}
  steps: 200
  batch: 16
  learningRate: 2.0e-4

Published recipes:
${publishedList}

The trained model's prompts are made as its rows are written: a sentence before their first "Human: " becomes the
system sentence. Ctrl-C stops after the current step, with a checkpoint; \`owl chat runs/mine\` asks it.
docs/training.md begins with forty pictures of your own.`,
    )
    .action(trainFrom);
}
