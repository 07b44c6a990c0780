import type { DataFormatName, RowContent } from "../data/index.ts";
import type { TrainingRecipe } from "../training/index.ts";
import { crossChecks } from "./cross-checks.ts";
import { readChain } from "./recipe-chain.ts";
import { type RecipeFile, requiredKeys } from "./recipe-schema.ts";
import type { RecipeProblem } from "./recipe-text.ts";
import { type ScaledKey, scaleDefaults } from "./scaled-defaults.ts";

/** A file of training rows, and how much of the run it gives. */
export interface DataFile {
  readonly file: string;
  /** What the rows' texts are; by the stage if absent. */
  readonly content?: RowContent | undefined;
  /** How its rows are written; by the file's name if absent. */
  readonly format?: DataFormatName | undefined;
  /** Its part of every batch beside the other files' (default 1). */
  readonly weight?: number | undefined;
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
  /** Train against parts that are random and stay so, which is refused otherwise. */
  readonly allowFrozenRandom?: boolean | undefined;
  /** Numbers that no file gives, made to fit the steps and the batch that one gives. */
  readonly scaled: readonly ScaledKey[];
}

/** What whoever starts a run may give in place of its recipe. */
export interface RunOverrides {
  /** Directory that the run writes to. */
  readonly output?: string | undefined;
  /** Micro-batches that are computed side by side, each on its part of the threads. 1 if absent. */
  readonly replicas?: number | undefined;
  /** Decode every picture before the run, not only look at the beginning of its file. */
  readonly checkPictures?: boolean | undefined;
  /** Told how many of a data file's pictures have been looked at. */
  readonly onPicture?: ((file: string) => (done: number, all: number) => void) | undefined;
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

/** What could be read of a recipe, and everything that is wrong with it. */
export interface RecipeDraft {
  /** Absent where there is a problem. */
  readonly plan: RunPlan | undefined;
  readonly problems: readonly string[];
  /** The data files that are named in a right way, whatever else is wrong. */
  readonly data: readonly DataFile[];
  readonly evaluation: readonly DataFile[];
  readonly stage: RecipeFile["stage"];
}

/**
 * Reads a recipe file (YAML). `extends` names a published recipe (`stage-1`) or another file; what this file
 * says replaces what that one says, key by key. A published recipe's warm-up, micro-batch and distance of checkpoints
 * are made to fit where a file gives other steps or another batch.
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
  const chain = await readChain(path);
  const output = overrides.output ?? chain.values.output;
  const { values, fitted: keys } = scaleDefaults(
    { ...chain.values, ...(output !== undefined && { output }) },
    chain,
  );
  const { data = [], evaluation = [] } = values;
  const found = [...chain.problems, ...missing(values, chain), ...(await crossChecks(values, chain))];
  const problems = inOrder(found, path);
  return {
    plan: problems.length === 0 ? planOf(values, keys) : undefined,
    problems,
    data,
    evaluation,
    stage: values.stage,
  };
}

/** All that a run needs is there: see {@link missing}. */
function planOf(values: RecipeFile, keys: readonly ScaledKey[]): RunPlan {
  const {
    model,
    config,
    tokenizer,
    system,
    allowFrozenRandom,
    output,
    data,
    evaluation,
    extends: _,
    ...recipe
  } = values;
  return {
    recipe: recipe as TrainingRecipe,
    model,
    config,
    tokenizer,
    system,
    allowFrozenRandom,
    output: output!,
    data: data!,
    evaluation: evaluation ?? [],
    scaled: keys,
  };
}

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

/** As lines, the recipe's own first, by their places in the text. */
function inOrder(problems: readonly RecipeProblem[], path: string): string[] {
  const place = ({ file, line = Number.POSITIVE_INFINITY }: RecipeProblem): [number, number] => [
    Number(file !== path),
    line,
  ];
  return [...problems]
    .sort(
      (a, b) =>
        place(a)[0] - place(b)[0] || (place(a)[1] < place(b)[1] ? -1 : Number(place(a)[1] > place(b)[1])),
    )
    .map(({ file, line, text }) => {
      const where = [...(file === path ? [] : [file]), ...(line === undefined ? [] : [`line ${line}`])].join(
        ", ",
      );
      return where === "" ? text : `${where}: ${text}`;
    });
}
