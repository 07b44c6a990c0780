import { isRun } from "../checkpoint/index.ts";
import { type Stage, stages } from "../model/index.ts";
import { joinPath, pathKind } from "../platform/index.ts";
import { defaultOptimizer, foreignHyperparameters, foreignKey, packingOf } from "../training/index.ts";
import { isBuiltInConfig } from "./built-in-config.ts";
import { isHigherBetter, nameOfBenchmark } from "./recipe-benchmark.ts";
import type { RecipeChain } from "./recipe-chain.ts";
import { contentOfStage, type RecipeFile } from "./recipe-schema.ts";
import type { RecipeProblem } from "./recipe-text.ts";
import { settingsName } from "./settings.ts";

type KeyPath = readonly PropertyKey[];
type OnProblem = (keyPath: KeyPath, text: string) => void;

const loraStages = (Object.keys(stages) as Stage[]).filter((stage) => stages[stage].lora);

/** What is wrong across keys and outside the file: values that contradict each other, files that do not exist. */
export async function crossChecks(values: RecipeFile, chain: RecipeChain): Promise<RecipeProblem[]> {
  const problems: RecipeProblem[] = [];
  const onProblem: OnProblem = (keyPath, text) => problems.push({ ...chain.locationOf(keyPath), text });
  hyperparameterProblems(values, onProblem);
  const { optimizer = defaultOptimizer } = values;
  for (const key of foreignHyperparameters(optimizer, values)) onProblem([key], foreignKey(key, optimizer));
  if (values.lora !== undefined && chain.hasKey("lora")) {
    const { stage } = values;
    const isOwn = [chain.path, settingsName].includes(chain.locationOf(["lora"]).file);
    if (isOwn && stage !== undefined && !stages[stage].lora) {
      onProblem(
        ["lora"],
        `lora: stage ${stage} trains none; stages ${loraStages.join(" and ")} do. Leave it out, or name one of these`,
      );
    }
  }
  packingProblems(values, onProblem);
  evaluationProblems(values, onProblem);
  benchmarkProblems(values, chain, onProblem);
  if (values.sampleEvery !== undefined && values.samples === undefined && !chain.hasKey("samples")) {
    onProblem(
      ["sampleEvery"],
      "sampleEvery: is the rhythm of samples, got none; give samples, or leave it out",
    );
  }
  modelProblems(values, chain, onProblem);
  await fileProblems(values, onProblem);
  await outputProblems(values, onProblem);
  return problems;
}

function hyperparameterProblems(
  { stage, warmup, steps, batch, microBatch, lora, dpo, augment }: RecipeFile,
  onProblem: OnProblem,
): void {
  if (warmup !== undefined && steps !== undefined && warmup >= steps) {
    onProblem(["warmup"], `warmup: must be less than steps (${steps}), got ${warmup}`);
  }
  if (batch !== undefined && microBatch !== undefined && batch % microBatch !== 0) {
    onProblem(["microBatch"], `microBatch: must divide batch (${batch}), got ${microBatch}`);
  }
  if (stage !== undefined && stages[stage].lora && lora === undefined) {
    onProblem(["stage"], `lora: stage ${stage} needs rank, alpha and targets`);
  }
  if (dpo === undefined || stage === undefined) return;
  if (contentOfStage(stage) !== "conversation") {
    onProblem(
      ["dpo"],
      `dpo: learns from answers, got stage ${stage}; name stage "2", released, full or behind-vision`,
    );
  } else if (augment === true) {
    onProblem(
      ["augment"],
      "augment: must be false with dpo, whose pictures are the ones that the model it begins with has seen",
    );
  }
}

function packingProblems(
  { packing, stage, dpo, groupByLength, batch }: RecipeFile,
  onProblem: OnProblem,
): void {
  if (packing === "joined" && stage !== undefined && stage !== "language") {
    onProblem(
      ["packing"],
      `packing: joined lets texts see those in front of them, which stage language alone learns from, got stage ${stage}; name separate or none`,
    );
  }
  if (packing === "separate" && dpo !== undefined)
    onProblem(["packing"], "packing: must be none with dpo, whose pairs are rows of their own; leave it out");
  if (groupByLength === undefined || stage === undefined) return;
  if (batch !== undefined && groupByLength % batch !== 0)
    onProblem(
      ["groupByLength"],
      `groupByLength: must be a multiple of batch (${batch}), got ${groupByLength}`,
    );
  if (packingOf({ packing, stage }) !== "none") {
    onProblem(
      ["groupByLength"],
      "groupByLength: is for rows that have a sequence each, got rows that share them and have little padding; leave it out, or say packing: none",
    );
  }
}

/** What needs losses on held-out rows, at a rhythm. */
function evaluationProblems(
  { keep, patience, bestBy, evaluation, evaluateEvery }: RecipeFile,
  onProblem: OnProblem,
): void {
  if (bestBy !== undefined || ((evaluation ?? []).length > 0 && evaluateEvery !== undefined)) return;
  const must = "needs losses on held-out rows: give evaluation (files of rows) and evaluateEvery (steps)";
  if (keep?.best === true) onProblem(["keep", "best"], `keep.best: ${must}`);
  if (patience !== undefined) onProblem(["patience"], `patience: ${must}`);
}

/** What is wrong with benchmarks, and with what they decide. */
function benchmarkProblems(
  { benchmarks = [], benchmarkEvery, evaluateEvery, bestBy }: RecipeFile,
  { hasKey }: RecipeChain,
  onProblem: OnProblem,
): void {
  const names = benchmarks.map(nameOfBenchmark);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) < i)
      onProblem(
        ["benchmarks", i],
        `benchmarks: must have names of their own, got ${name} twice; give \`name\` too`,
      );
  }
  if (benchmarkEvery !== undefined && names.length === 0 && !hasKey("benchmarks")) {
    onProblem(
      ["benchmarkEvery"],
      "benchmarkEvery: is the rhythm of benchmarks, got none; give benchmarks, or leave it out",
    );
  }
  if (bestBy === undefined) return;
  const chosen = benchmarks[names.indexOf(bestBy.benchmark)];
  if (chosen === undefined) {
    const known = names.length === 0 ? "no benchmarks" : names.join(", ");
    onProblem(
      ["bestBy"],
      `bestBy: must name a benchmark of the recipe, which has ${known}, got ${bestBy.benchmark}`,
    );
  } else if (!isHigherBetter(chosen.benchmark)) {
    onProblem(
      ["bestBy"],
      `bestBy: needs a score that is better where it is higher, got ${chosen.benchmark}; leave it out, and give such texts as evaluation, whose loss decides then`,
    );
  } else if (benchmarkEvery === undefined && evaluateEvery === undefined) {
    onProblem(["bestBy"], "bestBy: needs scores at a rhythm: give benchmarkEvery (steps)");
  }
}

function modelProblems(
  { model, config, tokenizer }: RecipeFile,
  { hasKey, isWhole }: RecipeChain,
  onProblem: OnProblem,
): void {
  if (model !== undefined) {
    if (config !== undefined)
      onProblem(
        ["config"],
        "config: is for a run from nothing; the model has its own. Leave out one of the two",
      );
    return;
  }
  if (!isWhole || hasKey("model")) return;
  if ((config === undefined && !hasKey("config")) || (tokenizer === undefined && !hasKey("tokenizer"))) {
    onProblem(
      ["model"],
      "model: names the directory to start from; for a fresh model give config and tokenizer instead (`config: nano` has owl-nano's sizes, `owl tokenizer` makes a tokenizer)",
    );
  }
}

async function fileProblems(
  { model, config, tokenizer, data, evaluation, samples = [], benchmarks = [] }: RecipeFile,
  onProblem: OnProblem,
): Promise<void> {
  const requireFile = async (keyPath: KeyPath, file: string): Promise<void> => {
    const kind = await pathKind(file);
    if (kind !== "file")
      onProblem(
        keyPath,
        `${file}: ${kind === "missing" ? "no such file" : "must be a file, got a directory"}`,
      );
  };
  if (config !== undefined && !isBuiltInConfig(config)) await requireFile(["config"], config);
  for (const [key, files = []] of [
    ["data", data],
    ["evaluation", evaluation],
  ] as const) {
    for (const [i, { file }] of files.entries()) {
      if ((await pathKind(file)) !== "directory") await requireFile([key, i], file);
    }
  }
  for (const [i, { image }] of samples.entries()) {
    for (const file of image) await requireFile(["samples", i], file);
  }
  for (const [i, { data: place }] of benchmarks.entries()) {
    if ((await pathKind(place)) === "missing")
      onProblem(
        ["benchmarks", i],
        `${place}: no such file or directory, which has the benchmark's questions`,
      );
  }
  for (const [key, directory] of [
    ["model", model],
    ["tokenizer", tokenizer],
  ] as const) {
    const problem = directory === undefined ? undefined : await directoryProblem(directory);
    if (problem !== undefined) onProblem([key], `${key}: ${problem}`);
  }
}

async function directoryProblem(directory: string): Promise<string | undefined> {
  const kind = await pathKind(directory);
  if (kind === "missing") return `${directory}: no such directory, nor a repo that \`owl pull\` has fetched`;
  if (kind === "file") {
    return `must be a directory (config.json, model.safetensors, tokenizer.json), got the file ${directory}`;
  }
  return (await isRun(directory))
    ? `${directory} is a run that is not done; finish it first (\`owl train RECIPE --resume\`)`
    : undefined;
}

/** Directories of a run's output that are replaced as a whole. */
const replacedDirectories = ["model", "adapter", "state", "start", "best", "checkpoints", "benchmarks"];

/** A run must not overwrite what it reads. */
async function outputProblems({ output, ...values }: RecipeFile, onProblem: OnProblem): Promise<void> {
  if (output === undefined) return;
  if ((await pathKind(output)) === "file")
    onProblem(["output"], `output: must be a directory, got the file ${output}`);
  const { model, config, tokenizer, data = [], evaluation = [], benchmarks = [] } = values;
  const files = [...[...data, ...evaluation].map(({ file }) => file), ...benchmarks.map((one) => one.data)];
  const read = [model, config, tokenizer, ...files];
  const places = replacedDirectories.map((name) => joinPath(output, name));
  const lost = new Set(
    read.filter(
      (path) =>
        path !== undefined &&
        places.some((place) => path === place || path.startsWith(joinPath(place, "x").slice(0, -1))),
    ),
  );
  for (const path of lost)
    onProblem(
      ["output"],
      `output: ${path} would be written over by the run that reads it; name another directory`,
    );
}
