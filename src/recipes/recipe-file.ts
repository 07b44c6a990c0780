import { parse } from "yaml";
import { z } from "zod";
import { cachedModel } from "../hub/index.ts";
import { joinPath, parentDirectory, pathKind, readText } from "../platform/index.ts";
import type { TrainingRecipe } from "../training/index.ts";
import { publishedRecipes } from "./published.ts";

/** A file of training rows, and how much of the run it gives. */
export interface DataFile {
  readonly file: string;
  /** What the rows' texts are; by the stage if absent. */
  readonly content?: "conversation" | "caption" | "text" | undefined;
  /** Its part of every batch beside the other files' (default 1). */
  readonly share?: number | undefined;
  /** Take only so many rows. */
  readonly rows?: number | undefined;
}

/** A recipe file: the numbers of a run, and what it works on. Paths are absolute or relative to where it was run. */
export interface RunPlan {
  readonly recipe: TrainingRecipe;
  /** Directory of the model to start from; in the file it may also be a repo of the hub that was fetched. */
  readonly model?: string | undefined;
  /** Without a model: the sizes of a fresh one, and the directory of its tokenizer. */
  readonly config?: string | undefined;
  readonly tokenizer?: string | undefined;
  /**
   * The system sentence that the model is asked with: it goes in front of every conversation that has none. Absent: the
   * rows are learned as they are written, and all must begin alike.
   */
  readonly system?: string | undefined;
  /** Where model, state and log go. */
  readonly output: string;
  readonly data: readonly DataFile[];
  readonly evaluation: readonly DataFile[];
}

/** What whoever starts a run may say in place of its recipe. */
export interface RunOverrides {
  /** Directory that the run writes to. */
  readonly output?: string | undefined;
  /** Micro-batches that are computed side by side, each on its part of the threads. 1 if absent. */
  readonly lanes?: number | undefined;
}

/** A recipe file that cannot be run; the message lists every problem. */
export class RecipeError extends Error {
  override name = "RecipeError";

  constructor(where: string, problems: readonly string[]) {
    const list = problems.map((problem) => `  ${problem}`).join("\n");
    super(
      `${where}: must be a training recipe, got ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${list}`,
    );
  }
}

const whole = z.int().positive();
const share = z.number().min(0).max(1);

const lora = z.strictObject({
  rank: whole,
  alpha: z.number().positive(),
  dropout: z.number().min(0).lt(1).default(0),
  targets: z.array(z.string().min(1)).min(1),
});

const numbers = {
  name: z.string(),
  stage: z.enum(["language", "1", "2", "released", "full"], {
    error: 'one of language, "1", "2", released, full',
  }),
  steps: whole,
  batch: whole,
  microBatch: whole,
  maxTokens: whole,
  learningRate: z.number().positive(),
  schedule: z.enum(["cosine", "linear", "constant"]),
  warmup: z.int().nonnegative(),
  floor: share,
  betas: z.tuple([share, share]),
  epsilon: z.number().positive(),
  weightDecay: z.number().nonnegative(),
  clip: z.number().positive(),
  rateFactors: z.record(z.string(), z.number().nonnegative()),
  lora,
  augment: z.boolean(),
  framesPerVideo: z.int().min(2),
  seed: z.int().nonnegative(),
  evaluateEvery: whole,
  saveEvery: whole,
};

const dataFile = z.strictObject({
  file: z.string().min(1),
  content: z.enum(["conversation", "caption", "text"]).optional(),
  share: z.number().positive().optional(),
  rows: whole.optional(),
});

const fileSchema = z.strictObject({
  ...z.strictObject(numbers).partial().shape,
  extends: z.string().optional(),
  model: z.string().optional(),
  config: z.string().optional(),
  tokenizer: z.string().optional(),
  system: z.string().optional(),
  output: z.string().optional(),
  data: z.array(dataFile).optional(),
  evaluation: z.array(dataFile).optional(),
});

type RecipeFile = z.infer<typeof fileSchema>;

const optionalNumbers = {
  microBatch: true,
  floor: true,
  clip: true,
  rateFactors: true,
  lora: true,
  augment: true,
  framesPerVideo: true,
  evaluateEvery: true,
  saveEvery: true,
} as const;

const planSchema = z.object({
  ...z.object(numbers).partial(optionalNumbers).shape,
  model: z.string().optional(),
  config: z.string().optional(),
  tokenizer: z.string().optional(),
  system: z.string().optional(),
  output: z.string(),
  data: z.array(dataFile).min(1),
  evaluation: z.array(dataFile).default([]),
});

/**
 * Reads a recipe file (YAML). `extends` names a published recipe (`stage-1`) or another file; what this file
 * says replaces what that one says, key by key.
 *
 * @throws RecipeError listing every key that is wrong, missing or unknown, and every file that is not there
 */
export async function readRecipeFile(path: string, overrides: RunOverrides = {}): Promise<RunPlan> {
  const merged = await readChain(path, []);
  const result = planSchema.safeParse({ ...merged, output: overrides.output ?? merged.output });
  if (!result.success) throw new RecipeError(path, problemsOf(result.error));
  const { model, config, tokenizer, system, output, data, evaluation, ...recipe } = result.data;
  const plan: RunPlan = { recipe, model, config, tokenizer, system, output, data, evaluation };
  const problems = await contradictions(plan);
  if (problems.length > 0) throw new RecipeError(path, problems);
  return plan;
}

function problemsOf(error: z.ZodError): string[] {
  return error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
}

async function readChain(path: string, seen: readonly string[]): Promise<RecipeFile> {
  if (seen.includes(path))
    throw new RecipeError(path, [`extends: goes round in a circle, ${[...seen, path].join(" → ")}`]);
  const result = fileSchema.safeParse(parseYaml(path, await readText(path)));
  if (!result.success) throw new RecipeError(path, problemsOf(result.error));
  const { extends: parent, ...own } = await withPaths(result.data, parentDirectory(path));
  const name = own.name ?? path;
  if (parent === undefined) return { ...own, name };
  const published = publishedRecipes[parent];
  if (published !== undefined) return { ...(published.recipe as RecipeFile), ...own, name };
  const file = beside(parent, parentDirectory(path));
  if ((await pathKind(file)) === "missing") {
    const known = Object.keys(publishedRecipes).join(", ");
    throw new RecipeError(path, [`extends: must be one of ${known}, or a file, got ${parent}`]);
  }
  return { ...(await readChain(file, [...seen, path])), ...own, name };
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new RecipeError(path, [error instanceof Error ? error.message.trim() : String(error)]);
  }
}

/** Paths in a recipe are relative to the recipe. */
async function withPaths(file: RecipeFile, directory: string): Promise<RecipeFile> {
  const { model, config, tokenizer, output, data, evaluation } = file;
  const place = (path: string): string => beside(path, directory);
  const places = (files: readonly z.infer<typeof dataFile>[]) =>
    files.map((entry) => ({ ...entry, file: place(entry.file) }));
  return {
    ...file,
    ...(model === undefined ? {} : { model: await modelPlace(model, directory) }),
    ...(config === undefined ? {} : { config: place(config) }),
    ...(tokenizer === undefined ? {} : { tokenizer: await modelPlace(tokenizer, directory) }),
    ...(output === undefined ? {} : { output: place(output) }),
    ...(data === undefined ? {} : { data: places(data) }),
    ...(evaluation === undefined ? {} : { evaluation: places(evaluation) }),
  };
}

/** A directory, or, where there is none, a repo of the hub that was fetched. */
async function modelPlace(name: string, directory: string): Promise<string> {
  const path = beside(name, directory);
  return (await pathKind(path)) === "missing" ? ((await cachedModel(name)) ?? path) : path;
}

function beside(path: string, directory: string): string {
  return /^([a-z]:)?[\\/]/i.test(path) ? path : joinPath(directory, path);
}

async function contradictions({
  recipe,
  model,
  config,
  tokenizer,
  data,
  evaluation,
}: RunPlan): Promise<string[]> {
  const problems: string[] = [];
  const { stage, warmup, steps, batch, microBatch = batch } = recipe;
  if (warmup >= steps) problems.push(`warmup: must be less than steps (${steps}), got ${warmup}`);
  if (batch % microBatch !== 0) problems.push(`microBatch: must divide batch (${batch}), got ${microBatch}`);
  if ((stage === "2" || stage === "released") && recipe.lora === undefined) {
    problems.push(`lora: stage ${stage} needs rank, alpha and targets`);
  }
  if (model === undefined && (config === undefined || tokenizer === undefined)) {
    problems.push(
      "model: names the directory to start from; for a fresh model give config and tokenizer instead",
    );
  }
  const files = [...data, ...evaluation].map(({ file }) => file);
  for (const file of [config, ...files]) {
    if (file !== undefined && (await pathKind(file)) !== "file") problems.push(`${file}: no such file`);
  }
  for (const directory of [model, tokenizer]) {
    if (directory !== undefined && (await pathKind(directory)) !== "directory") {
      problems.push(`${directory}: no such directory, nor a repo that \`owl pull\` has fetched`);
    }
  }
  return problems;
}
