import { isRun } from "../checkpoint/index.ts";
import { stages } from "../model/index.ts";
import { joinPath, pathKind } from "../platform/index.ts";
import { defaultOptimizer, foreignHyperparameters, foreignKey } from "../training/index.ts";
import { isBuiltInConfig } from "./built-in-config.ts";
import type { RecipeChain } from "./recipe-chain.ts";
import type { RecipeFile } from "./recipe-schema.ts";
import type { RecipeProblem } from "./recipe-text.ts";

type Place = readonly PropertyKey[];
type Tell = (place: Place, text: string) => void;

/** What no key alone gets wrong: numbers that do not go together, and files that are not there. */
export async function crossChecks(values: RecipeFile, chain: RecipeChain): Promise<RecipeProblem[]> {
  const problems: RecipeProblem[] = [];
  const tell: Tell = (place, text) => problems.push({ ...chain.placeOf(place), text });
  numberProblems(values, tell);
  const { optimizer = defaultOptimizer } = values;
  for (const key of foreignHyperparameters(optimizer, values)) tell([key], foreignKey(key, optimizer));
  if (values.lora !== undefined && chain.placeOf(["lora"]).line !== undefined) {
    const { stage } = values;
    const isOwn = chain.placeOf(["lora"]).file === chain.path;
    if (isOwn && stage !== undefined && !stages[stage].lora) {
      tell(
        ["lora"],
        `lora: stage ${stage} trains none; stages 2 and released do. Leave it out, or name one of these`,
      );
    }
  }
  originProblems(values, chain, tell);
  await fileProblems(values, tell);
  await outputProblems(values, tell);
  return problems;
}

function numberProblems({ stage, warmup, steps, batch, microBatch, lora }: RecipeFile, tell: Tell): void {
  if (warmup !== undefined && steps !== undefined && warmup >= steps) {
    tell(["warmup"], `warmup: must be less than steps (${steps}), got ${warmup}`);
  }
  if (batch !== undefined && microBatch !== undefined && batch % microBatch !== 0) {
    tell(["microBatch"], `microBatch: must divide batch (${batch}), got ${microBatch}`);
  }
  if ((stage === "2" || stage === "released") && lora === undefined) {
    tell(["stage"], `lora: stage ${stage} needs rank, alpha and targets`);
  }
}

function originProblems(
  { model, config, tokenizer }: RecipeFile,
  { hasKey, isWhole }: RecipeChain,
  tell: Tell,
): void {
  if (model !== undefined) {
    if (config !== undefined)
      tell(["config"], "config: is for a run from nothing; the model has its own. Leave out one of the two");
    return;
  }
  if (!isWhole || hasKey("model")) return;
  if ((config === undefined && !hasKey("config")) || (tokenizer === undefined && !hasKey("tokenizer"))) {
    tell(
      ["model"],
      "model: names the directory to start from; for a fresh model give config and tokenizer instead (`config: nano` has owl-nano's sizes, `owl tokenizer` makes a tokenizer)",
    );
  }
}

async function fileProblems(
  { model, config, tokenizer, data, evaluation }: RecipeFile,
  tell: Tell,
): Promise<void> {
  const requireFile = async (place: Place, file: string): Promise<void> => {
    const kind = await pathKind(file);
    if (kind !== "file")
      tell(place, `${file}: ${kind === "missing" ? "no such file" : "must be a file, got a directory"}`);
  };
  if (config !== undefined && !isBuiltInConfig(config)) await requireFile(["config"], config);
  for (const [key, files = []] of [
    ["data", data],
    ["evaluation", evaluation],
  ] as const) {
    for (const [i, { file }] of files.entries()) await requireFile([key, i], file);
  }
  for (const [key, directory] of [
    ["model", model],
    ["tokenizer", tokenizer],
  ] as const) {
    const problem = directory === undefined ? undefined : await directoryProblem(directory);
    if (problem !== undefined) tell([key], `${key}: ${problem}`);
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

/** Directories of a run that are replaced as a whole. */
const written = ["model", "adapter", "state", "start"];

/** A run must not write over what it reads. */
async function outputProblems({ output, ...values }: RecipeFile, tell: Tell): Promise<void> {
  if (output === undefined) return;
  if ((await pathKind(output)) === "file")
    tell(["output"], `output: must be a directory, got the file ${output}`);
  const { model, config, tokenizer, data = [], evaluation = [] } = values;
  const read = [model, config, tokenizer, ...[...data, ...evaluation].map(({ file }) => file)];
  const places = written.map((name) => joinPath(output, name));
  const lost = new Set(
    read.filter(
      (path) =>
        path !== undefined &&
        places.some((place) => path === place || path.startsWith(joinPath(place, "x").slice(0, -1))),
    ),
  );
  for (const path of lost)
    tell(
      ["output"],
      `output: ${path} would be written over by the run that reads it; name another directory`,
    );
}
