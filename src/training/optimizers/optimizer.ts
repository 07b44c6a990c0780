import type { z } from "zod";

/** What an update of a parameter group depends on beside the optimizer's own hyperparameters. */
export interface UpdateStep {
  /** Updates done, this one included: 1 in the first. */
  readonly step: number;
  /** The schedule's learning rate times the group's multiplier. */
  readonly learningRate: number;
  /** Factor on every gradient, which clips their norm. */
  readonly gradientScale: number;
  /** 0 for groups on which weight decay does not act. */
  readonly weightDecay: number;
}

/**
 * An optimizer, as a row of `optimizers`: what it remembers of each parameter, and how a step changes both. Memory estimate,
 * checkpoints, recipe keys and their checks follow from the row.
 */
export interface Optimizer<Shape extends z.ZodRawShape = z.ZodRawShape> {
  /**
   * Its own keys in a recipe (all required) and their values; every optimizer has `weightDecay` beside them. A key that several
   * optimizers share means the same in each and has the same bounds.
   */
  readonly hyperparameters: Shape;
  /**
   * Names of its state tensors. Each has the parameter's shape, starts at zero and lies in checkpoints as
   * `<state>.<parameter>`.
   */
  readonly state: readonly string[];
  /**
   * The function of kernels.wat that updates a chunk in place. Its arguments: addresses of the weights, the gradients and each
   * state tensor, in that order, the chunk's length in bytes, then what `update` returns.
   */
  readonly kernel: string;
  /** The kernel's scalars for one step. */
  update(hyperparameters: z.infer<z.ZodObject<Shape>>, step: UpdateStep): readonly number[];
}

/** An optimizer whose `update` gets the hyperparameters by their types. */
export function defineOptimizer<Shape extends z.ZodRawShape>(optimizer: Optimizer<Shape>): Optimizer<Shape> {
  return optimizer;
}
