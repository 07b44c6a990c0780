import { hasMediaThreads } from "../data/index.ts";
import { processorCount } from "../platform/index.ts";
import type { DeviceOptions } from "../runtime/index.ts";
import { accumulationSteps, type Communicator } from "../training/index.ts";
import type { RunPlan } from "./recipe-file.ts";

/**
 * The plan with as large micro-batches as leave one for each process; where there are enough, the same plan. Their size changes no
 * mathematics.
 *
 * @throws {RangeError} where an update has fewer rows than there are processes, or these have replicas
 */
export function microBatchesForAll(plan: RunPlan, processes: number, replicas: number): RunPlan {
  if (processes > 1 && replicas > 1) {
    throw new RangeError(
      `replicas: must be 1 in each of several processes, got ${replicas}; start more processes instead`,
    );
  }
  const { recipe } = plan;
  const { batch } = recipe;
  if (accumulationSteps(recipe) >= processes) return plan;
  if (batch < processes) {
    throw new RangeError(
      `several processes: an update must have a row for each of the ${processes}, got batch ${batch}; start fewer, or raise batch`,
    );
  }
  let microBatch = Math.ceil(batch / processes);
  while (accumulationSteps({ ...recipe, microBatch }) < processes) microBatch--;
  return { ...plan, recipe: { ...recipe, microBatch } };
}

/** Threads of one process that decode pictures, unless it is told how many: a quarter of its processors, which are free least of all. */
export function dataThreadsOf({ sharing }: Communicator): number {
  if (!hasMediaThreads()) return 0;
  return Math.min(8, Math.floor(processorCount() / sharing / 4));
}

/** Options of the device with the threads of one process: processes that share processors divide them. */
export function threadsOfEach(
  device: DeviceOptions = {},
  { sharing }: Communicator,
): DeviceOptions & { readonly threads: number } {
  const { threads = Math.max(1, Math.floor(processorCount() / sharing)) } = device;
  return { ...device, threads };
}
