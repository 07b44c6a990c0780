export type { Optimizer, UpdateStep } from "./optimizer.ts";
export * from "./optimizers.ts";
