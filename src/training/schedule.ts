/** A learning-rate schedule: linear warm-up, then decay. */
export interface Schedule {
  readonly shape: "cosine" | "linear" | "constant";
  /** The learning rate at the end of the warm-up. */
  readonly peak: number;
  /** Steps of the warm-up from 0: step k of them has the rate peak · k / warmup, so step 0 changes no weight. */
  readonly warmup: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** The rate at the end of the decay divided by the peak; 0 if absent. */
  readonly minRatio?: number;
}

/** The learning rate of a step, counted from 0. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { shape, peak, warmup, steps, minRatio = 0 } = schedule;
  if (step < warmup) return (peak * step) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return peak * (minRatio + (1 - minRatio) * decayedTo(shape, progress));
}

/** What is left of the part that decays, 1 to 0. */
function decayedTo(shape: Schedule["shape"], progress: number): number {
  if (shape === "constant") return 1;
  return shape === "linear" ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
}
