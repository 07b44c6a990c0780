import { processorCount } from "../platform/index.ts";
import { type Device, type DeviceOptions, openDevice } from "../runtime/index.ts";
import type { TrainingRecipe } from "./recipe.ts";

/** Gradient accumulation steps: micro-batches of an update. */
export function accumulationSteps({ batch, microBatch = batch }: TrainingRecipe): number {
  return Math.ceil(batch / microBatch);
}

/**
 * Devices for a trainer's data-parallel `replicas`, which divide the threads among them.
 *
 * @param count how many; small models are fastest with one for each processor
 * @throws {RangeError} where an update has fewer micro-batches, or there are fewer threads
 */
export async function openReplicas(
  recipe: TrainingRecipe,
  count: number,
  options: DeviceOptions = {},
): Promise<Device[]> {
  const most = accumulationSteps(recipe);
  const { threads = processorCount() } = options;
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw new RangeError(
      `replicas: must be a whole number from 1 to the micro-batches of an update, here ${most}, got ${count}; ` +
        `a smaller microBatch in the recipe makes more of them`,
    );
  }
  if (count > threads) {
    throw new RangeError(`replicas: must be at most the threads, here ${threads}, got ${count}`);
  }
  const ofEach = { ...options, threads: Math.floor(threads / count) };
  return Promise.all(Array.from({ length: count }, () => openDevice(ofEach)));
}
