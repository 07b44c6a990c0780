import { processorCount } from "../platform/index.ts";
import { type Device, type DeviceOptions, openDevice } from "../runtime/index.ts";
import type { TrainingRecipe } from "./recipe.ts";

/** Micro-batches of an update. */
export function microBatchesOf({ batch, microBatch = batch }: TrainingRecipe): number {
  return Math.ceil(batch / microBatch);
}

/**
 * Devices for a trainer's `lanes`, which share the threads.
 *
 * @param count how many; small models are fastest with one for each processor
 * @throws {RangeError} where an update has fewer micro-batches, or there are fewer threads
 */
export async function openLanes(
  recipe: TrainingRecipe,
  count: number,
  options: DeviceOptions = {},
): Promise<Device[]> {
  const most = microBatchesOf(recipe);
  const { threads = processorCount() } = options;
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw new RangeError(
      `lanes: must be a whole number from 1 to the micro-batches of an update, here ${most}, got ${count}; ` +
        `a smaller microBatch in the recipe makes more of them`,
    );
  }
  if (count > threads) {
    throw new RangeError(`lanes: must be at most the threads, here ${threads}, got ${count}`);
  }
  const lane = { ...options, threads: Math.floor(threads / count) };
  return Promise.all(Array.from({ length: count }, () => openDevice(lane)));
}
