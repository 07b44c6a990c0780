/** How the learning rate moves over the steps of a run. */
export interface Schedule {
  readonly shape: "cosine" | "linear" | "constant";
  /** The highest learning rate. */
  readonly peak: number;
  /** Steps of the linear rise from 0; step k of them uses peak · k / warmup, so step 0 changes nothing. */
  readonly warmup: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** What the fall ends at, as a part of the peak; 0 if absent. */
  readonly minRatio?: number;
}

/** The learning rate of a step, counted from 0. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { shape, peak, warmup, steps, minRatio = 0 } = schedule;
  if (step < warmup) return (peak * step) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return peak * (minRatio + (1 - minRatio) * remaining(shape, progress));
}

function remaining(shape: Schedule["shape"], progress: number): number {
  if (shape === "constant") return 1;
  return shape === "linear" ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
}
