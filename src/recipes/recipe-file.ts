import type { DataFormatName, ReadSettings, RowContent } from "../data/index.ts";
import type { TrainingRecipe } from "../training/index.ts";
import { crossChecks } from "./cross-checks.ts";
import type { RecipeBenchmark } from "./recipe-benchmark.ts";
import { readChain } from "./recipe-chain.ts";
import { type RecipeFile, requiredKeys } from "./recipe-schema.ts";
import type { RecipeProblem } from "./recipe-text.ts";
import { type ScaledKey, scaleDefaults } from "./scaled-defaults.ts";

/** A file of training rows, and how often they are sampled. */
export interface DataFile extends ReadSettings {
  readonly file: string;
  /** What the rows' texts are; the stage decides if absent. */
  readonly content?: RowContent | undefined;
  /** How its rows are written; recognised by what they hold if absent. */
  readonly format?: DataFormatName | undefined;
  /** Sampling weight: its part of every batch beside the other files' (default 1). */
  readonly weight?: number | undefined;
  /** Take only so many rows. */
  readonly rows?: number | undefined;
}

/** A question that the model is asked before the first step and while it learns. */
export interface SampleQuestion {
  /** Files of pictures that stand in front of the question. */
  readonly image: readonly string[];
  readonly question: string;
}

/** What a recipe file says: the hyperparameters of a run, its model and its data. */
export interface RunPlan {
  readonly recipe: TrainingRecipe;
  /** Directory of the model to start from; in the file it may also be a repo of the hub that was fetched. */
  readonly model?: string | undefined;
  /** Without a model: the sizes of a fresh one, and the directory of its tokenizer. */
  readonly config?: string | undefined;
  readonly tokenizer?: string | undefined;
  /**
   * The system prompt of the model, which is put in front of every conversation that has none. If absent, all conversations must
   * begin with the same one, or with none.
   */
  readonly system?: string | undefined;
  /** What the model's chat template is told in training, and afterwards wherever a caller says nothing else. */
  readonly templateVariables?: Readonly<Record<string, unknown>> | undefined;
  /** Where model, state and log go. */
  readonly output: string;
  readonly data: readonly DataFile[];
  readonly evaluation: readonly DataFile[];
  /** Fixed questions, whose answers show what is learned; none if absent. */
  readonly samples?: readonly SampleQuestion[] | undefined;
  /** Steps between two times that they are asked; `evaluateEvery` if absent. */
  readonly sampleEvery?: number | undefined;
  /** Benchmarks that the model is scored by before the first step and while it learns; none if absent. */
  readonly benchmarks?: readonly RecipeBenchmark[] | undefined;
  /** Steps between two times that it is scored; `evaluateEvery` if absent. */
  readonly benchmarkEvery?: number | undefined;
  /** Allow modules that are random and frozen, which are refused otherwise. */
  readonly allowFrozenRandom?: boolean | undefined;
  /** Keys that no file gives, scaled to the steps and the batch that one gives. */
  readonly scaled: readonly ScaledKey[];
  /** Whether `maxTokens` is a published recipe's, which no model with fewer positions can have. False if absent. */
  readonly inheritsMaxTokens?: boolean | undefined;
}

/** Options of a run that are not in its recipe, or win over it. */
export interface RunOverrides {
  /** Directory that the run writes to. */
  readonly output?: string | undefined;
  /**
   * Keys of the recipe that win over the file's, as `key=value` each: `steps=200`, `lora.rank=4`, `data.0.weight=2`. Values are
   * YAML and are checked as the file's; paths are relative to the file.
   */
  readonly set?: readonly string[] | undefined;
  /** Data-parallel replicas: micro-batches that are computed side by side, each on its part of the threads. 1 if absent. */
  readonly replicas?: number | undefined;
  /**
   * Add gradients up in the order of an update's micro-batches, so that any number of processes (with as many threads each) makes
   * weights of the same bits. False if absent: each process adds up its own first, and less is sent.
   */
  readonly deterministic?: boolean | undefined;
  /** Decode every picture before the run, instead of reading only the beginning of its file. */
  readonly checkPictures?: boolean | undefined;
  /** Threads that decode and augment pictures and videos; a quarter of the processors, at most eight, if absent. 0: the main thread. */
  readonly dataThreads?: number | undefined;
  /** Progress: for each data file a callback with the number of pictures checked so far. */
  readonly onPicture?: ((file: string) => (done: number, all: number) => void) | undefined;
}

/** A recipe cannot be run; the message lists every problem. */
export class RecipeError extends Error {
  override name = "RecipeError";

  constructor(where: string, problems: readonly string[]) {
    const list = problems.map((problem) => `  ${problem}`).join("\n");
    super(
      `${where}: must be a training recipe, got ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${list}`,
    );
  }
}

/** The valid part of a recipe, and everything that is wrong with it. */
export interface RecipeDraft {
  /** Absent where there is a problem. */
  readonly plan: RunPlan | undefined;
  readonly problems: readonly string[];
  /** The valid data files, whatever else is wrong. */
  readonly data: readonly DataFile[];
  readonly evaluation: readonly DataFile[];
  readonly stage: RecipeFile["stage"];
}

/**
 * Reads a recipe file (YAML). `extends` names a published recipe (`stage-1`) or another file; what this file
 * says replaces what that one says, key by key. A published recipe's warm-up, micro-batch and checkpoint interval are scaled
 * where a file gives other steps or another batch.
 *
 * @throws RecipeError listing every key that is wrong, missing or unknown, and every file that is not there
 */
export async function readRecipeFile(path: string, overrides: RunOverrides = {}): Promise<RunPlan> {
  const { plan, problems } = await draftRecipe(path, overrides);
  if (plan === undefined) throw new RecipeError(path, problems);
  return plan;
}

/** As {@link readRecipeFile}, for whoever has further problems to find before it fails. */
export async function draftRecipe(path: string, overrides: RunOverrides = {}): Promise<RecipeDraft> {
  const chain = await readChain(path, overrides.set);
  const output = overrides.output ?? chain.values.output;
  const { values, scaled: keys } = scaleDefaults(
    { ...chain.values, ...(output !== undefined && { output }) },
    chain,
  );
  const { data = [], evaluation = [] } = values;
  const found = [...chain.problems, ...missing(values, chain), ...(await crossChecks(values, chain))];
  const problems = inOrder(found, path);
  return {
    plan:
      problems.length === 0
        ? { ...planOf(values, keys), inheritsMaxTokens: !chain.hasKey("maxTokens") }
        : undefined,
    problems,
    data,
    evaluation,
    stage: values.stage,
  };
}

/** The plan of a recipe without problems. */
function planOf(values: RecipeFile, keys: readonly ScaledKey[]): RunPlan {
  const {
    model,
    config,
    tokenizer,
    system,
    templateVariables,
    allowFrozenRandom,
    output,
    data,
    evaluation,
    samples,
    sampleEvery,
    benchmarks,
    benchmarkEvery,
    extends: _,
    ...recipe
  } = values;
  return {
    recipe: recipe as TrainingRecipe,
    model,
    config,
    tokenizer,
    system,
    templateVariables,
    allowFrozenRandom,
    output: output!,
    data: data!,
    evaluation: evaluation ?? [],
    samples,
    sampleEvery,
    benchmarks,
    benchmarkEvery,
    scaled: keys,
  };
}

/** Required keys that no file and no published recipe of the chain has. */
function missing(
  values: RecipeFile,
  { path, isWhole, hasKey }: { path: string; isWhole: boolean; hasKey(key: string): boolean },
): RecipeProblem[] {
  // A parent that could not be read would have given them.
  if (!isWhole) return [];
  const isMissing = (key: keyof RecipeFile): boolean => values[key] === undefined && !hasKey(key);
  const problems: string[] = [];
  const keys = requiredKeys(values).filter(isMissing);
  if (keys.length > 0) {
    problems.push(
      `${keys.join(", ")}: missing; \`extends: stage-2\` takes those of a published run, \`owl recipe\` lists them`,
    );
  }
  if (isMissing("output")) problems.push("output: missing; the directory that the run writes to");
  if (isMissing("data"))
    problems.push("data: missing; the files of rows, a list: `data: [{ file: rows.jsonl }]`");
  return problems.map((text) => ({ file: path, text }));
}

/** Problems as lines of a message: the recipe's own first, in the order of its text. */
function inOrder(problems: readonly RecipeProblem[], path: string): string[] {
  const position = ({ file, line = Number.POSITIVE_INFINITY }: RecipeProblem): [number, number] => [
    Number(file !== path),
    line,
  ];
  return [...problems]
    .sort(
      (a, b) =>
        position(a)[0] - position(b)[0] ||
        (position(a)[1] < position(b)[1] ? -1 : Number(position(a)[1] > position(b)[1])),
    )
    .map(({ file, line, text }) => {
      const where = [...(file === path ? [] : [file]), ...(line === undefined ? [] : [`line ${line}`])].join(
        ", ",
      );
      return where === "" ? text : `${where}: ${text}`;
    });
}
