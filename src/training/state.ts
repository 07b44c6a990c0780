import { z } from "zod";
import { type NamedTensors, readSafetensors, saveCheckpoint } from "../checkpoint/index.ts";
import { completeDirectory, joinPath, pathKind, readJson } from "../platform/index.ts";
import type { TrainingRecipe } from "./recipe.ts";
import type { Trainer } from "./trainer.ts";

const stateFile = "training_state.json";
const momentsFile = "optimizer.safetensors";
const weightsFile = "model.safetensors";

/** Where a run stands, beside its tensors. */
export interface Progress {
  /** Updates done. */
  readonly step: number;
  /** Index of the next example. */
  readonly position: number;
  /** Tokens seen so far. */
  readonly tokens: number;
}

const progressSchema = z.object({
  step: z.number().int().nonnegative(),
  position: z.number().int().nonnegative(),
  tokens: z.number().nonnegative(),
  recipe: z.record(z.string(), z.unknown()),
});

/** A checkpoint that does not belong to the run that asks for it. */
export class ResumeError extends Error {
  override name = "ResumeError";
}

/**
 * Writes what a run needs to go on exactly: trained parameters, moments, step and position. The directory is
 * replaced as a whole, so being killed at any moment leaves the old or the new one.
 */
export async function saveState<S>(
  directory: string,
  trainer: Trainer<S>,
  progress: Progress,
  recipe: TrainingRecipe,
): Promise<void> {
  await saveCheckpoint(directory, {
    config: { model_type: "mplug-owl-training-state" },
    tensors: trainedValues(trainer),
    files: { [stateFile]: `${JSON.stringify({ ...progress, recipe }, null, 2)}\n` },
    tensorFiles: { [momentsFile]: trainer.moments() },
  });
}

/** The trained parameters, as views. */
export function trainedValues<S>(trainer: Trainer<S>): NamedTensors {
  return new Map(trainer.trained.map((name) => [name, trainer.values.get(name)!]));
}

/** Whether there is a state to go on from. */
export async function hasState(directory: string): Promise<boolean> {
  const kinds = await Promise.all([pathKind(directory), pathKind(`${directory}.next`)]);
  return kinds.includes("directory");
}

/**
 * Puts a trainer where `saveState` left one.
 *
 * @throws ResumeError naming every number of the recipe that differs and would make the run another one
 */
export async function restoreState<S>(
  directory: string,
  trainer: Trainer<S>,
  recipe: TrainingRecipe,
): Promise<Progress> {
  const from = await completeDirectory(directory);
  const path = joinPath(from, stateFile);
  const parsed = progressSchema.safeParse(await readJson(path));
  if (!parsed.success)
    throw new ResumeError(`${path}: must be a training state, got ${parsed.error.message}`);
  const { recipe: earlier, ...progress } = parsed.data;
  requireSameRecipe(path, earlier, recipe);
  trainer.restore(
    progress.step,
    await readSafetensors(joinPath(from, weightsFile)),
    await readSafetensors(joinPath(from, momentsFile)),
  );
  return progress;
}

// These change what is printed and kept, not what is computed.
const harmless = new Set(["name", "evaluateEvery", "saveEvery"]);

function requireSameRecipe(path: string, earlier: Record<string, unknown>, recipe: TrainingRecipe): void {
  const now: Record<string, unknown> = { ...recipe };
  const keys = [...new Set([...Object.keys(earlier), ...Object.keys(now)])].filter(
    (key) => !harmless.has(key),
  );
  const show = (value: unknown): string => JSON.stringify(value) ?? "nothing";
  const changed = keys.filter((key) => show(earlier[key]) !== show(now[key]));
  if (changed.length === 0) return;
  const list = changed.map((key) => `  ${key}: ${show(earlier[key])}, now ${show(now[key])}`);
  throw new ResumeError(
    `${path}: a run goes on with the recipe it began with, got other numbers:\n${list.join("\n")}\nRestore them, or begin a new run in another directory.`,
  );
}
