import { totalmem } from "node:os";
import { stages } from "../model/index.ts";
import { joinPath } from "../platform/index.ts";
import { describedSystem, type PreparedRun, type RunPlan, type RunTemplate } from "../recipes/index.ts";
import { elementCount } from "../tensor/index.ts";
import { accumulationSteps, describeMemory, packingOf, type TrainingOutcome } from "../training/index.ts";
import { timedSteps } from "./training-progress.ts";

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MiB`;
const millions = (parameters: PreparedRun["parameters"]): string =>
  `${(parameters.reduce((sum, { dims }) => sum + elementCount(dims), 0) / 1e6).toFixed(2)} M`;
const plural = (count: number, thing: string, ending = "s"): string =>
  `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : ending}`;

function memoryLines({ memory, memoryWarnings, communicator: { size } }: PreparedRun): string[] {
  const each = size > 1 ? `in each of ${size} processes ` : "";
  const line = `memory     ${each}${describeMemory(memory)}; this machine has ${mebibytes(totalmem())}`;
  return [line, ...memoryWarnings.map((warning) => `           ${warning}`)];
}

/** Modules with how many of their parameters learn and how many are frozen. */
function moduleLines(parameters: PreparedRun["parameters"]): string[] {
  const modules = [...new Set(parameters.map(({ module }) => module))];
  const inMillions = (module: string, trained: boolean): string => {
    const chosen = parameters.filter((one) => one.module === module && one.trained === trained);
    return chosen.length === 0 ? "-" : millions(chosen);
  };
  const rows = modules.map((module) => [module, inMillions(module, true), inMillions(module, false)]);
  return [["", "learn", "frozen"], ...rows].map(
    ([module, trained, frozen]) =>
      `           ${module.padEnd(17)} ${trained.padStart(12)} ${frozen.padStart(12)}`,
  );
}

/** What the run writes, by what is written; a checkpoint is written beside the one before. */
function diskLine({ disk: { checkpoint, start, model, adapter }, plan }: PreparedRun): string {
  const { saveEvery, keep = {} } = plan.recipe;
  const kept = (keep.last ?? 1) + Number(keep.best === true);
  const parts = [
    `a checkpoint takes ${mebibytes(checkpoint)}${saveEvery === undefined ? "" : ", twice that while the next one is written"}`,
    ...(kept > 1 ? [`${kept} are kept`] : []),
    ...(start > 0 ? [`start/ ${mebibytes(start)}`] : []),
    ...(model > 0 ? [`model/ ${mebibytes(model)}`] : []),
    ...(adapter > 0 ? [`adapter/ ${mebibytes(adapter)}`] : []),
  ];
  return `disk       ${parts.join("; ")}`;
}

/** The template of the model that is trained. */
function templateLine({ template, baseTemplate, byChatTemplate }: RunTemplate): string {
  const now = byChatTemplate
    ? `asked by the model's own chat template, by which the rows are written: ${describedSystem(template.system)}`
    : `asked as the rows are written: ${describedSystem(template.system)}, "${template.user}…", "${template.assistant}…"`;
  if (baseTemplate === undefined) return now;
  return `${now}\n           (the model that it starts from was asked with ${describedSystem(baseTemplate.system)}; the one that is made carries the rows' way)`;
}

/** Micro-batch, warm-up and checkpoints of a run, with the defaults that were filled in. */
function scheduleOf({ recipe }: RunPlan): string {
  const { batch, microBatch = batch, warmup, saveEvery } = recipe;
  const saved = saveEvery === undefined ? "at the end" : `every ${saveEvery.toLocaleString("en")} steps`;
  return `${microBatch} at once, warm-up ${warmup.toLocaleString("en")}, a checkpoint ${saved}`;
}

/** How several processes share the work out; no line for one. */
function processesLine({ communicator: { size }, plan: { recipe } }: PreparedRun, threads: number): string[] {
  if (size === 1) return [];
  const count = accumulationSteps(recipe);
  return [
    `processes  ${size} of ${plural(threads, "thread")} each share out the ${plural(count, "micro-batch", "es")} of a step`,
  ];
}

/** How often each row is trained on; no line for texts that follow each other, since steps do not count them. */
function passesLine({ recipe, data }: RunPlan, rows: readonly number[]): string[] {
  if (packingOf(recipe) === "joined") return [];
  const weights = data.map(({ weight = 1 }) => weight);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const passes = rows.map((count, i) => (recipe.steps * recipe.batch * weights[i]) / total / count);
  const perPass = rows.map((count, i) => Math.ceil(((count / recipe.batch) * total) / weights[i]));
  const often = passes.map((times, i) => {
    const shown = times < 10 ? times.toFixed(1) : Math.round(times).toLocaleString("en");
    return `${shown} times (once in ${plural(perPass[i], "step")})`;
  });
  return [`           each row is seen ${often.join(", ")}`];
}

/** What is computed before the first step of a run that learns from pairs. */
function referenceLine({ recipe: { dpo } }: RunPlan): string[] {
  if (dpo === undefined) return [];
  return [
    `dpo        beta ${dpo.beta}; how likely the answers of all rows are to the model as it begins is computed before the first step`,
  ];
}

/** How frozen weights are kept and layers are computed, where that is not the usual way. */
function storageOf({ plan: { recipe }, isQuantized }: PreparedRun): string {
  if (isQuantized) {
    return "; the base model's weights stay in few bits, layers are computed one by one, and the result is an adapter for it";
  }
  return recipe.recompute === true ? "; layers are computed one by one, their activations twice" : "";
}

/** The summary of a run, printed before anything large is allocated; with as many threads as it will have in each process. */
export function runSummary(run: PreparedRun, threads = run.threads): string {
  const { plan, parameters, rows, shortenedRows, cutRows, checkedBefore, promptTemplate } = run;
  const some = (count: number, what: string): string[] =>
    count > 0 ? [`${count.toLocaleString("en")} of them ${what}`] : [];
  const { recipe, data, output } = plan;
  const rowsOf = (i: number): string =>
    [
      plural(rows[i], "row"),
      ...some(shortenedRows[i], "without their oldest turns"),
      ...some(cutRows[i], "cut"),
      ...(checkedBefore[i] ? ["checked before"] : []),
    ].join(", ");
  const trained = parameters.filter((parameter) => parameter.trained);
  return [
    `recipe     ${recipe.name}, stage ${recipe.stage}: ${stages[recipe.stage].description}`,
    `data       ${data.map(({ file }, i) => `${file} (${rowsOf(i)})`).join(", ")}`,
    `steps      ${recipe.steps.toLocaleString("en")} of ${plural(recipe.batch, "row")}, at most ${plural(recipe.maxTokens, "token")} each; ${scheduleOf(plan)}`,
    ...passesLine(plan, rows),
    ...referenceLine(plan),
    ...benchmarkLine(plan),
    `template   ${templateLine(promptTemplate)}`,
    `parameters ${millions(trained)} of ${millions(parameters)} learn${storageOf(run)}`,
    ...moduleLines(parameters),
    ...processesLine(run, threads),
    ...memoryLines(run),
    diskLine(run),
    ...(recipe.steps > timedSteps ? [`time       is told after ${timedSteps} steps`] : []),
    ...promptTemplate.asText.map(
      (file) =>
        `note       ${file} has conversations, which are learned here as plain text, their marks included; content: conversation learns the replies alone, as they are asked`,
    ),
    `output     ${output}`,
  ].join("\n");
}

const bestWords = ({ bestBy }: RunPlan["recipe"]): string =>
  bestBy === undefined
    ? "the lowest loss on held-out rows"
    : `the highest score in ${[bestBy.benchmark, bestBy.figure].filter((word) => word !== undefined).join(", ")}`;

/** What the model is scored by, and when; no line without benchmarks. */
function benchmarkLine({ benchmarks = [], benchmarkEvery, recipe }: RunPlan): string[] {
  if (benchmarks.length === 0) return [];
  const names = benchmarks.map(({ benchmark, name = benchmark, limit }) =>
    limit === undefined ? name : `${name} (${plural(limit, "item")} at most)`,
  );
  const every = benchmarkEvery ?? recipe.evaluateEvery;
  const between = every === undefined ? "" : `, every ${plural(every, "step")}`;
  return [`benchmarks ${names.join(", ")}: before the first step${between}, and after the last one`];
}

/** How much of the steps' time, in seconds, was waiting for rows; what was written, and how to use it. */
export function runResult(
  { plan, usesPictures, isQuantized }: PreparedRun,
  { bestStep }: Pick<TrainingOutcome, "bestStep">,
  { seconds, waiting }: { readonly seconds: number; readonly waiting: number },
): string {
  const { output, recipe } = plan;
  const written = [
    ...(isQuantized ? [] : ["model/ (the model, with its card and curves)"]),
    ...(stages[recipe.stage].lora ? ["adapter/ (the LoRA, for the model that it began with)"] : []),
    "state/ (the last checkpoint)",
    "log.jsonl and event files (`tensorboard --logdir` shows their curves)",
  ];
  const best =
    bestStep === undefined ? [] : [`best       step ${bestStep} had ${bestWords(recipe)}; it is the result`];
  const picture = usesPictures ? ' --image FILE "…"' : ' "…"';
  const share = seconds > 0 ? Math.round((100 * waiting) / seconds) : 0;
  const more = share >= 5 ? "; more --data-threads may read them sooner" : "";
  return [
    ...best,
    `waited     ${share} % of the steps' time for rows${more}`,
    `done       ${output}: ${written.join(", ")}`,
    `ask it     owl chat ${shellQuoted(isQuantized ? output : joinPath(output, "model"))}${picture}`,
  ].join("\n");
}

/** A path, quoted for a shell. */
export const shellQuoted = (path: string): string => (/^[\w./\\:@%+=-]+$/.test(path) ? path : `"${path}"`);
