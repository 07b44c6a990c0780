import { z } from "zod";
import { dataFormatNames, type RowContent, rowContents } from "../data/index.ts";
import { loraTargets, type Stage } from "../model/index.ts";
import { defaultOptimizer, optimizerHyperparameters, optimizerNames, optimizers } from "../training/index.ts";
import { benchmarkNames } from "./recipe-benchmark.ts";

const whole = z.int().positive();
const fraction = z.number().min(0).max(1);

const listOrPattern = {
  error:
    "must be a list of the last parts of layers' names (`[q_proj]`), all-linear, or a regular expression for whole names that JavaScript and Python read alike",
};

/** Whether a string may stand for the layers of a LoRA. */
function areTargets(targets: string): boolean {
  try {
    loraTargets(targets);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const lora = z.strictObject({
  rank: whole,
  alpha: z.number().positive(),
  dropout: z.number().min(0).lt(1).default(0),
  targets: z.union(
    [z.string().refine(areTargets, listOrPattern), z.array(z.string().min(1)).min(1)],
    listOrPattern,
  ),
  useRslora: z.boolean().optional(),
  useDora: z.boolean().optional(),
  modulesToSave: z.array(z.string().min(1)).min(1).optional(),
});

const dpo = z.strictObject({ beta: z.number().positive().default(0.1) });

const keep = z.strictObject({ last: whole.optional(), best: z.boolean().optional() });

const bestBy = z.strictObject(
  { benchmark: z.string().min(1), figure: z.string().min(1).optional() },
  {
    error:
      "a benchmark of the recipe, as { benchmark: pope }, or one with a figure, { benchmark: pope, figure: accuracy }",
  },
);

/** What the rows of each stage are, unless a data file says otherwise; no file of rows holds the vision stage's labelled patches. */
const stageContents = {
  language: "text",
  "1": "caption",
  "2": "conversation",
  released: "conversation",
  full: "conversation",
  "behind-vision": "conversation",
  vision: undefined,
} as const satisfies Readonly<Record<Stage, RowContent | undefined>>;

const stageNames = (Object.keys(stageContents) as Stage[]).filter(isRecipeStage);
type RecipeStage = Exclude<Stage, "vision">;

function isRecipeStage(stage: Stage): stage is RecipeStage {
  return stageContents[stage] !== undefined;
}

/** What the rows of a stage are by default. */
export function contentOfStage(stage: Stage): RowContent {
  return stageContents[stage] ?? "conversation";
}

// `stage: 1` is a number in YAML.
const stage = z.preprocess(
  (value) => (typeof value === "number" ? String(value) : value),
  z.enum(stageNames, {
    error: `one of ${stageNames.map((name) => (/^\d/.test(name) ? JSON.stringify(name) : name)).join(", ")}`,
  }),
);

const hyperparameters = {
  name: z.string(),
  stage,
  steps: whole,
  batch: whole,
  microBatch: whole,
  recompute: z.boolean(),
  maxTokens: whole,
  learningRate: z.number().positive(),
  schedule: z.enum(["cosine", "linear", "constant"]),
  warmup: z.int().nonnegative(),
  minLearningRateRatio: fraction,
  optimizer: z.enum(optimizerNames),
  ...optimizerHyperparameters,
  weightDecay: z.number().nonnegative(),
  maxGradNorm: z.number().positive(),
  learningRateMultipliers: z.record(z.string(), z.number().nonnegative()),
  lora,
  dpo,
  packing: z.enum(["none", "joined", "separate"]),
  groupByLength: whole,
  augment: z.boolean(),
  tiles: z.boolean(),
  framesPerVideo: z.int().min(2),
  seed: z.int().nonnegative(),
  evaluateEvery: whole,
  saveEvery: whole,
  keep,
  patience: whole,
  bestBy,
  maxLossSpike: z.number().gt(1),
};

const sample = z.strictObject(
  {
    image: z
      .union([z.string().min(1), z.array(z.string().min(1))], {
        error: "a picture's file, or a list of them",
      })
      .default([])
      .transform((image) => [image].flat()),
    question: z.string().min(1),
  },
  { error: "a question, as { image: owl.png, question: what is this? }" },
);

/** Each answer takes time at every evaluation. */
const mostSamples = 16;

const listOfSamples = `a list of at most ${mostSamples} questions, as [{ image: owl.png, question: what is this? }]`;

const benchmark = z.strictObject(
  {
    benchmark: z.enum(benchmarkNames),
    data: z.string().min(1),
    name: z
      .string()
      .regex(/^[\w-]+$/, { error: "letters, digits, - and _, since files are called so" })
      .optional(),
    limit: whole.optional(),
    instruction: z.string().optional(),
  },
  { error: "a benchmark with its files, as { benchmark: pope, data: coco, limit: 100 }" },
);

const listOfBenchmarks =
  "a list of benchmarks with their files, as [{ benchmark: pope, data: coco, limit: 100 }]";

const listOfFiles = "a list of files of rows, as [{ file: rows.jsonl }]";

// Columns without a header are called by their numbers, which are numbers in YAML.
const columnName = z.union([z.string().min(1), whole.transform(String)], { error: "the name of a column" });

const dataFile = z.strictObject(
  {
    file: z.string().min(1),
    format: z.enum(dataFormatNames).optional(),
    images: z.string().min(1).optional(),
    columns: z
      .record(z.string(), columnName, {
        error: "which column is what, as { image: photo, text: caption }",
      })
      .optional(),
    question: z.string().min(1).optional(),
    content: z.enum(rowContents).optional(),
    weight: z.number().positive().optional(),
    rows: whole.optional(),
  },
  { error: "a file of rows, as { file: rows.jsonl }" },
);

/** What a recipe file may hold. */
export const fileSchema = z.strictObject({
  ...z.strictObject(hyperparameters).partial().shape,
  extends: z.string().optional(),
  model: z.string().optional(),
  config: z.string().optional(),
  tokenizer: z.string().optional(),
  system: z.string().optional(),
  templateVariables: z
    .record(z.string(), z.json(), { error: "variables of the chat template, as { enable_thinking: false }" })
    .optional(),
  allowFrozenRandom: z.boolean().optional(),
  output: z.string().optional(),
  data: z.array(dataFile, { error: listOfFiles }).min(1).optional(),
  evaluation: z.array(dataFile, { error: listOfFiles }).optional(),
  samples: z.array(sample, { error: listOfSamples }).max(mostSamples, { error: listOfSamples }).optional(),
  sampleEvery: whole.optional(),
  benchmarks: z.array(benchmark, { error: listOfBenchmarks }).min(1).optional(),
  benchmarkEvery: whole.optional(),
});

export type RecipeFile = z.infer<typeof fileSchema>;
export type RecipeKey = keyof RecipeFile;

/** The keys that a recipe may have at a path: at the top, in `lora`, in a data file. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const [first, , third] = path;
  if (first === undefined) return Object.keys(fileSchema.shape);
  if (first === "lora") return Object.keys(lora.shape);
  if (first === "dpo") return Object.keys(dpo.shape);
  if (first === "keep") return Object.keys(keep.shape);
  if (first === "bestBy") return Object.keys(bestBy.shape);
  if (first === "benchmarks") return Object.keys(benchmark.shape);
  if (first === "samples") return Object.keys(sample.shape);
  return (first === "data" || first === "evaluation") && third === undefined
    ? Object.keys(dataFile.shape)
    : [];
}

/** The keys that no run can do without, those of its optimizer included. */
export function requiredKeys({ optimizer = defaultOptimizer }: RecipeFile): readonly RecipeKey[] {
  const own = Object.keys(optimizers[optimizer].hyperparameters) as RecipeKey[];
  return [...requiredByAll, ...own];
}

const requiredByAll = [
  "stage",
  "steps",
  "batch",
  "maxTokens",
  "learningRate",
  "schedule",
  "warmup",
  "weightDecay",
  "seed",
] as const satisfies readonly RecipeKey[];
