import {
  completeDirectory,
  copyDirectory,
  directoryEntries,
  joinPath,
  removeDirectory,
} from "../platform/index.ts";
import type { TrainingRecipe } from "./recipe.ts";
import type { Progress } from "./state.ts";

/** In the directory of a run: the checkpoint with the lowest loss on held-out rows. */
export const bestDirectory = "best";
/** In the directory of a run: the last checkpoints, `step-<number>` each. */
const earlierDirectory = "checkpoints";

/**
 * Keeps the checkpoint in `state/` as the recipe says: as one of the last ones, and as the best one. Files are shared with
 * `state/` where the file system has hard links. Doing it twice changes nothing.
 */
export async function keepCheckpoint(
  directory: string,
  { keep = {} }: Pick<TrainingRecipe, "keep">,
  { step, evaluation }: Progress,
): Promise<void> {
  const { last = 1, best = false } = keep;
  const isBest = best && evaluation?.best.step === step;
  if (!isBest && last === 1) return;
  // A run that was killed between two renames has its state elsewhere until it writes the next one.
  const state = await completeDirectory(joinPath(directory, "state"));
  if (isBest) await copyDirectory(state, joinPath(directory, bestDirectory));
  if (last === 1) return;
  const place = joinPath(directory, earlierDirectory);
  await copyDirectory(state, joinPath(place, `step-${step}`));
  const steps = (await directoryEntries(place)).flatMap((name) => {
    const found = /^step-(\d+)$/.exec(name);
    return found === null ? [] : [Number(found[1])];
  });
  const earlier = steps.filter((one) => one <= step).toSorted((a, b) => b - a);
  for (const old of earlier.slice(last)) await removeDirectory(joinPath(place, `step-${old}`));
}
