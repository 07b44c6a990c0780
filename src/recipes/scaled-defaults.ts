import { publishedRecipes } from "./published.ts";
import type { RecipeFile } from "./recipe-schema.ts";

/** Keys whose published values are scaled to the run where no file gives them. */
export type ScaledKey = "warmup" | "microBatch" | "saveEvery";
export const scaledKeys: readonly ScaledKey[] = ["warmup", "microBatch", "saveEvery"];

/** A run writes at least so many checkpoints, so that a failure costs a tenth of it at most. */
const leastCheckpoints = 10;

/**
 * Scales a published recipe's values to the steps and the batch of this run: the warm-up keeps its ratio to the steps, the
 * micro-batch becomes the largest divisor of the batch up to the published one, and at least ten checkpoints are written. What a
 * file gives stays, but for a micro-batch above the batch, which changes no result.
 */
export function scaleDefaults(
  values: RecipeFile,
  { published, hasKey }: { readonly published: string | undefined; hasKey(key: string): boolean },
): { readonly values: RecipeFile; readonly scaled: readonly ScaledKey[] } {
  const parent = published === undefined ? undefined : publishedRecipes[published].recipe;
  const { steps, batch, microBatch } = values;
  const scaled: Partial<Record<ScaledKey, number>> = {};
  if (hasKey("steps") && steps !== undefined) {
    if (parent !== undefined && !hasKey("warmup")) {
      scaled.warmup = Math.min(steps - 1, Math.round((steps * parent.warmup) / parent.steps));
    }
    if (!hasKey("saveEvery")) {
      scaled.saveEvery = Math.min(parent?.saveEvery ?? steps, Math.ceil(steps / leastCheckpoints));
    }
  }
  if (batch !== undefined && microBatch !== undefined) {
    if (microBatch > batch) scaled.microBatch = batch;
    else if (!hasKey("microBatch")) scaled.microBatch = largestDivisor(batch, microBatch);
  }
  const changed = (Object.keys(scaled) as ScaledKey[]).filter((key) => scaled[key] !== values[key]);
  return { values: { ...values, ...scaled }, scaled: changed };
}

function largestDivisor(of: number, most: number): number {
  for (let divisor = most; divisor > 1; divisor--) if (of % divisor === 0) return divisor;
  return 1;
}
