import { publishedRecipes } from "./published.ts";
import type { RecipeFile } from "./recipe-schema.ts";

/** Numbers that are made to fit where no file gives them. */
export type ScaledKey = "warmup" | "microBatch" | "saveEvery";

/** The steps between two checkpoints, as a part of the run: so much of it is lost at most. */
const savedPart = 10;

/**
 * Makes what is published fit the steps and the batch of this run: the warm-up keeps its share of the steps, the
 * micro-batch becomes the largest divisor of the batch that is not above it, a checkpoint is written at least ten times.
 * What a file gives stays, but for a micro-batch above the batch, which is memory and not mathematics.
 */
export function scaleDefaults(
  values: RecipeFile,
  { published, hasKey }: { readonly published: string | undefined; hasKey(key: string): boolean },
): { readonly values: RecipeFile; readonly fitted: readonly ScaledKey[] } {
  const parent = published === undefined ? undefined : publishedRecipes[published].recipe;
  const { steps, batch, microBatch } = values;
  const found: Partial<Record<ScaledKey, number>> = {};
  if (hasKey("steps") && steps !== undefined) {
    if (parent !== undefined && !hasKey("warmup")) {
      found.warmup = Math.min(steps - 1, Math.round((steps * parent.warmup) / parent.steps));
    }
    if (!hasKey("saveEvery")) {
      found.saveEvery = Math.min(parent?.saveEvery ?? steps, Math.ceil(steps / savedPart));
    }
  }
  if (batch !== undefined && microBatch !== undefined) {
    if (microBatch > batch) found.microBatch = batch;
    else if (!hasKey("microBatch")) found.microBatch = largestDivisor(batch, microBatch);
  }
  const changed = (Object.keys(found) as ScaledKey[]).filter((key) => found[key] !== values[key]);
  return { values: { ...values, ...found }, fitted: changed };
}

function largestDivisor(of: number, most: number): number {
  for (let divisor = most; divisor > 1; divisor--) if (of % divisor === 0) return divisor;
  return 1;
}
