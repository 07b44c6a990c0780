import { z } from "zod";
import {
  openSafetensors,
  type StateDict,
  safetensors,
  saveCheckpoint,
  stateModelType,
  type TensorSource,
  wholeFile,
} from "../checkpoint/index.ts";
import { completeDirectory, joinPath, pathKind, readJson } from "../platform/index.ts";
import type { EvaluationRecord, LossMean } from "./evaluations.ts";
import { withCurrentNames } from "./former-names.ts";
import { defaultOptimizer } from "./optimizers/index.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { changedInputs, type RunInputs } from "./run-inputs.ts";
import type { Trainer } from "./trainer.ts";

const stateFile = "training_state.json";
const optimizerFile = "optimizer.safetensors";

/** How far a run is, beside its tensors. */
export interface Progress {
  /** Updates done. */
  readonly step: number;
  /** Index of the next example. */
  readonly position: number;
  /** Tokens trained on so far. */
  readonly tokens: number;
  /** Names of the rows that were left out so far because they could not be read. */
  readonly skipped?: readonly string[] | undefined;
  /** Absent before the first evaluation. */
  readonly evaluation?: EvaluationRecord | undefined;
  /** The step after which held-out rows were read last; absent before the first time, and where earlier versions wrote the state. */
  readonly evaluated?: number | undefined;
  /** The step after which benchmarks were scored last; absent before the first time. */
  readonly benchmarked?: number | undefined;
  /** The step after which fixed questions were asked last; absent before the first time. */
  readonly sampled?: number | undefined;
  /** The mean of the losses so far, where the recipe has a `maxLossSpike`. */
  readonly losses?: LossMean | undefined;
}

/** What a state is compared with beside the recipe. */
export interface StateOptions {
  /** Checksums of what the run reads. A state that was written without them fits all. */
  readonly inputs?: RunInputs | undefined;
  /** Resume although data have changed. */
  readonly allowChangedData?: boolean | undefined;
}

/** A schema whose values may have the keys of earlier versions. */
const currentlyNamed = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (isObject(value) ? withCurrentNames(value) : value), schema);
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const runInput = z.object({
  digest: z.string(),
  description: z.string(),
  isData: z.boolean(),
  decides: z.boolean().optional(),
});

const progressSchema = z.object({
  step: z.number().int().nonnegative(),
  position: z.number().int().nonnegative(),
  tokens: z.number().nonnegative(),
  skipped: z.array(z.string()).optional(),
  evaluation: z
    .object({
      step: z.number(),
      best: z.union([
        z.object({ step: z.number(), loss: z.number() }),
        z.object({ step: z.number(), score: z.number() }),
      ]),
      sinceBest: z.number(),
    })
    .optional(),
  evaluated: z.number().optional(),
  benchmarked: z.number().optional(),
  sampled: z.number().optional(),
  losses: z.object({ mean: z.number(), steps: z.number() }).optional(),
  recipe: currentlyNamed(z.record(z.string(), z.unknown())),
  inputs: currentlyNamed(z.record(z.string(), currentlyNamed(runInput))).optional(),
});

/** A checkpoint belongs to another run than the one that resumes from it. */
export class ResumeError extends Error {
  override name = "ResumeError";
}

/**
 * Writes what a run needs to resume exactly: trained parameters, optimizer state, step and position. The directory is
 * replaced as a whole, so being killed at any moment leaves the old or the new one. Of several processes, all of which call
 * it, the first writes; the files do not show how many there were.
 */
export async function saveState<S>(
  directory: string,
  trainer: Trainer<S>,
  progress: Progress,
  recipe: TrainingRecipe,
  { inputs }: StateOptions = {},
): Promise<void> {
  await trainer.collectState((optimizerState) =>
    saveCheckpoint(directory, {
      config: { model_type: stateModelType },
      tensors: trainedValues(trainer),
      maxShardBytes: Number.POSITIVE_INFINITY,
      files: {
        [stateFile]: `${JSON.stringify({ ...inOrder(progress), recipe: withCurrentNames(recipe), inputs }, null, 2)}\n`,
      },
      tensorFiles: { [optimizerFile]: optimizerState },
    }),
  );
}

/** A file has the same bytes whatever came first, and whether the run was stopped in between. */
function inOrder(progress: Progress): Progress {
  const { step, position, tokens, skipped, evaluation, evaluated, benchmarked, sampled, losses } = progress;
  return { step, position, tokens, skipped, evaluation, evaluated, benchmarked, sampled, losses };
}

/** The trained parameters, as views. */
export function trainedValues<S>(trainer: Trainer<S>): StateDict {
  return new Map(trainer.trained.map((name) => [name, trainer.values.get(name)!]));
}

/** Whether there is a state to resume from. */
export async function hasState(directory: string): Promise<boolean> {
  const kinds = await Promise.all([pathKind(directory), pathKind(`${directory}.next`)]);
  return kinds.includes("directory");
}

/** The recipe of the run that wrote a state; empty where there is no state. */
export async function recipeOfState(directory: string): Promise<Readonly<Record<string, unknown>>> {
  if (!(await hasState(directory))) return {};
  const path = joinPath(await completeDirectory(directory), stateFile);
  const parsed = progressSchema.safeParse(await readJson(path));
  return parsed.success ? parsed.data.recipe : {};
}

/**
 * Loads into a trainer what `saveState` wrote. Of several processes, all of which call it, the first one reads.
 *
 * @throws ResumeError naming every key of the recipe and every input that differs, where the run would compute something else
 */
export async function restoreState<S>(
  directory: string,
  trainer: Trainer<S>,
  recipe: TrainingRecipe,
  options: StateOptions = {},
): Promise<Progress> {
  const { communicator } = trainer;
  const progress = await communicator.fromFirst(() => readProgress(directory, recipe, options));
  const open = async (name: string): Promise<TensorSource | undefined> =>
    communicator.rank === 0 ? openSafetensors(joinPath(await completeDirectory(directory), name)) : undefined;
  const [weights, optimizerState] = await communicator.agree(
    async () => [await open(wholeFile(safetensors)), await open(optimizerFile)] as const,
  );
  try {
    await trainer.restore(progress.step, weights, optimizerState);
  } finally {
    await weights?.close();
    await optimizerState?.close();
  }
  return progress;
}

async function readProgress(
  directory: string,
  recipe: TrainingRecipe,
  options: StateOptions,
): Promise<Progress> {
  const path = joinPath(await completeDirectory(directory), stateFile);
  const parsed = progressSchema.safeParse(await readJson(path));
  if (!parsed.success)
    throw new ResumeError(`${path}: must be a training state, got ${parsed.error.message}`);
  const { recipe: earlier, inputs, ...progress } = parsed.data;
  requireSameRecipe(path, earlier, recipe);
  requireSameInputs(path, inputs, options);
  return progress;
}

function requireSameInputs(path: string, earlier: RunInputs | undefined, options: StateOptions): void {
  const { inputs, allowChangedData = false } = options;
  if (earlier === undefined || inputs === undefined) return;
  const changed = changedInputs(earlier, inputs, allowChangedData);
  if (changed.length === 0) return;
  const list = changed.map((change) => `  ${change}`).join("\n");
  const isData = changedInputs(earlier, inputs, true).length < changed.length;
  const allowed = isData ? " Whoever means other data goes on with --allow-changed-data." : "";
  throw new ResumeError(
    `${path}: a run goes on from what it began with, got something else:\n${list}\nRestore it, or begin a new run in another directory.${allowed}`,
  );
}

// A run may go on with others: they change what is printed and kept and how much memory is taken, not what is computed, but for
// rounding.
const free = new Set([
  "name",
  "evaluateEvery",
  "saveEvery",
  "patience",
  "maxLossSpike",
  "microBatch",
  "recompute",
]);

/** Recipes may name the optimizer that is taken anyway. */
const withDefaults = (recipe: { readonly optimizer?: unknown }): Record<string, unknown> => ({
  ...recipe,
  optimizer: recipe.optimizer ?? defaultOptimizer,
});

function requireSameRecipe(path: string, stored: Record<string, unknown>, recipe: TrainingRecipe): void {
  const earlier = withDefaults(stored);
  const now: Record<string, unknown> = withDefaults(withCurrentNames(recipe));
  // The learning rate of a step follows from the number of steps unless it stays as it is.
  const stays = earlier.schedule === "constant" && recipe.schedule === "constant";
  const keys = [...new Set([...Object.keys(earlier), ...Object.keys(now)])].filter(
    (key) => !free.has(key) && !(stays && key === "steps"),
  );
  const show = (value: unknown): string => JSON.stringify(value) ?? "nothing";
  const changed = keys.filter((key) => show(earlier[key]) !== show(now[key]));
  if (changed.length === 0) return;
  const list = changed.map((key) => `  ${key}: ${show(earlier[key])}, now ${show(now[key])}`);
  if (changed.length === 1 && changed[0] === "steps") {
    throw new ResumeError(
      `${path}: steps can change only where the learning rate is constant, got ${show(earlier.steps)}, now ${show(now.steps)}: by a ${recipe.schedule} schedule the steps that are done would have had other rates. Finish the run and begin another with its model/ as \`model\`, or restore the number`,
    );
  }
  throw new ResumeError(
    `${path}: a run goes on with the recipe it began with, got other numbers:\n${list.join("\n")}\nRestore them, or begin a new run in another directory.`,
  );
}
