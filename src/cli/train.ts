import { totalmem } from "node:os";
import type { Command } from "commander";
import { stages } from "../model/index.ts";
import { joinPath } from "../platform/index.ts";
import {
  describedSystem,
  type PreparedRun,
  prepareRun,
  publishedRecipes,
  type RunTemplate,
} from "../recipes/index.ts";
import { elementCount } from "../tensor/index.ts";
import { hasState, type MemoryEstimate } from "../training/index.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { countOption, type DeviceName, deviceOption, threadsOption } from "./options.ts";
import { showProgress } from "./progress.ts";

interface TrainCommandOptions {
  readonly resume?: boolean;
  readonly output?: string;
  readonly device: DeviceName;
  readonly threads?: number;
  readonly lanes?: number;
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MiB`;
const counted = (count: number, thing: string): string =>
  `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;

function memoryLine({ weights, gradients, moments, activations, total }: MemoryEstimate): string {
  const parts = Object.entries({ weights, gradients, moments, activations });
  const list = parts.map(([name, bytes]) => `${name} ${mebibytes(bytes)}`).join(", ");
  return `memory     about ${mebibytes(total)} (${list}); this machine has ${mebibytes(totalmem())}`;
}

/** How the model that is made will be asked. */
function templateLine({ template, before }: RunTemplate): string {
  const now = `asked as the rows are written: ${describedSystem(template.system)}, "${template.user}…", "${template.assistant}…"`;
  if (before === undefined) return now;
  return `${now}\n           (the model that it starts from was asked with ${describedSystem(before.system)}; the one that is made carries the rows' way)`;
}

/** What is about to happen, before anything large is allocated. */
function announcement({ plan, parameters, memory, rows, cutRows, asked }: PreparedRun): string {
  const { recipe, data, output } = plan;
  const rowsOf = (i: number): string =>
    counted(rows[i], "row") + (cutRows[i] > 0 ? `, ${cutRows[i].toLocaleString("en")} of them cut` : "");
  const sizeOf = (chosen: PreparedRun["parameters"]): string =>
    `${(chosen.reduce((sum, { dims }) => sum + elementCount(dims), 0) / 1e6).toFixed(2)} M`;
  const trained = parameters.filter((parameter) => parameter.trained);
  return [
    `recipe     ${recipe.name}, stage ${recipe.stage}: ${stages[recipe.stage].says}`,
    `data       ${data.map(({ file }, i) => `${file} (${rowsOf(i)})`).join(", ")}`,
    `steps      ${recipe.steps.toLocaleString("en")} of ${counted(recipe.batch, "row")}, at most ${counted(recipe.maxTokens, "token")} each`,
    `template   ${templateLine(asked)}`,
    `parameters ${sizeOf(trained)} of ${sizeOf(parameters)} learn`,
    memoryLine(memory),
    `output     ${output}`,
  ].join("\n");
}

async function requireFreshOutput(output: string, resume: boolean): Promise<void> {
  if (resume || !(await hasState(joinPath(output, "state")))) return;
  throw new UsageError(
    `${output}: must hold no run, got one; --resume goes on with it, --output begins in another directory`,
  );
}

async function trainFrom(path: string, options: TrainCommandOptions): Promise<void> {
  const { resume = false, output, lanes, device, threads } = options;
  const run = await prepareRun(path, { output, lanes });
  await requireFreshOutput(run.plan.output, resume);
  process.stdout.write(`${announcement(run)}\n`);
  const progress = showProgress(run.plan.recipe.steps);
  const deviceOptions = { device, ...(threads !== undefined && { threads }) };
  const outcome = await interruptible(
    (signal) => run.start({ resume, signal, onEvent: progress.tell, device: deviceOptions }),
    () => progress.say("stopping after this step (Ctrl-C again ends at once, without a checkpoint)"),
  ).finally(progress.end);
  if (outcome.complete) {
    process.stdout.write(`done: \`owl chat ${joinPath(run.plan.output, "model")}\` asks it\n`);
    return;
  }
  const place = output === undefined ? "" : ` --output ${output}`;
  throw new InterruptedError(
    `interrupted after step ${outcome.step} of ${run.plan.recipe.steps}; \`owl train ${path}${place} --resume\` goes on from there`,
  );
}

const publishedList = Object.entries(publishedRecipes)
  .map(([name, { recipe }]) => `  ${name.padEnd(18)} ${stages[recipe.stage].says}`)
  .join("\n");

export function addTrain(program: Command): void {
  program
    .command("train")
    .argument("<recipe>", "a recipe file (YAML)")
    .option("--resume", "go on from the last checkpoint, exactly as if the run had not stopped")
    .option("--output <directory>", "where model, checkpoints and log go, in place of the recipe's")
    .addOption(deviceOption())
    .addOption(threadsOption())
    .option(
      "--lanes <count>",
      "micro-batches computed side by side, each on its part of the threads (default: 1)",
      countOption,
    )
    .description("learn from a recipe: one stage of training, with checkpoints")
    .addHelpText(
      "after",
      `
A recipe says what is learned, from what, and with which numbers. It may derive from a published one:

  # mine.yaml; paths are relative to this file
  extends: stage-2                 # \`owl recipe stage-2\` shows its numbers and their reasons
  model: ../models/owl-nano        # where to start
  output: ../runs/mine             # model/, adapter/, state/ (checkpoint), log.jsonl
  data:
    - file: text.jsonl             # {"text": "…\\nHuman: …\\nAI: …"} a line
    - file: pictures.jsonl         # {"image": ["a.jpg"], "text": "…\\nHuman: <image>\\nHuman: …\\nAI: …"}
  steps: 200
  batch: 16
  learningRate: 2.0e-4

Published recipes:
${publishedList}

Ctrl-C stops after the step under way, with a checkpoint.`,
    )
    .action(trainFrom);
}
