import type { BoundRun, Device } from "../runtime/index.ts";

/** Runs prepared programs one after the other. */
export type RunAll = (runs: readonly BoundRun[]) => Promise<void>;

/** Chunks are too small to be worth a trip through the event loop each, where the device can do without. */
export function runnerOf(device: Device): RunAll {
  if (device.binding === "c-api") {
    return async (runs) => {
      for (const run of runs) run.runSync();
    };
  }
  return async (runs) => {
    for (const run of runs) await run.run();
  };
}
