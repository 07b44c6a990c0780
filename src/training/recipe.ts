import type { LoraConfig } from "../checkpoint/index.ts";
import type { ParameterDescription, Stage } from "../model/index.ts";
import type { OptimizerHyperparameters, OptimizerName } from "./optimizers/index.ts";
import type { Schedule } from "./schedule.ts";

/** A LoRA to be trained on linear layers (arXiv 2106.09685), in the terms of PEFT; dropout is less than 1. */
export interface LoraRecipe extends Omit<LoraConfig, "targetModules"> {
  /** See `loraTargets`. */
  readonly targets: string | readonly string[];
}

/** Direct preference optimisation. */
export interface DpoRecipe {
  /** How dear it is to move away from the model that the run begins with; 0.1 is usual. */
  readonly beta: number;
}

/** Checkpoints that a run keeps. */
export interface KeptCheckpoints {
  /** So many of the last ones; 1 if absent. */
  readonly last?: number | undefined;
  /**
   * The best one too (see `bestBy`), which is then the run's result in place of the last one; false if absent.
   */
  readonly best?: boolean | undefined;
}

/**
 * How rows share a sequence. `none`: each has its own. `joined`: texts follow each other and see those in front of them, as many as
 * fit; `batch` counts sequences. `separate`: the rows of a micro-batch share as few sequences as they fit into and do not see each
 * other; the loss and its gradients are those of `none`.
 */
export type Packing = "none" | "joined" | "separate";

/** The hyperparameters of a run: all that does not depend on the machine. */
export interface TrainingRecipe extends OptimizerHyperparameters {
  readonly name: string;
  readonly stage: Stage;
  /** Updates of the weights. */
  readonly steps: number;
  /** Rows an update. */
  readonly batch: number;
  /** Rows that are computed at once: an update accumulates the gradients of batch / microBatch of them. The whole batch if absent. */
  readonly microBatch?: number | undefined;
  /**
   * Whether layers are computed one by one and their activations anew in the backward pass, for less memory and more time; false
   * if absent. Results differ by rounding.
   */
  readonly recompute?: boolean | undefined;
  /** Longest row in tokens, pictures included. */
  readonly maxTokens: number;
  readonly learningRate: number;
  readonly schedule: Schedule["shape"];
  /** Steps of the linear warm-up. */
  readonly warmup: number;
  /** The learning rate at the end divided by the peak; 0 if absent. */
  readonly minLearningRateRatio?: number | undefined;
  /** AdamW if absent. Its own hyperparameters (`betas`, `momentum`, …) stand beside it. */
  readonly optimizer?: OptimizerName | undefined;
  readonly weightDecay: number;
  /** Gradients are clipped to this norm of all of them together; not if absent. */
  readonly maxGradNorm?: number | undefined;
  /** Factors on the learning rate by prefixes of parameter names, the first that fits, or `lora` for what a LoRA consists of. */
  readonly learningRateMultipliers?: Readonly<Record<string, number>> | undefined;
  readonly lora?: LoraRecipe | undefined;
  /** Learn which of two answers is the better one (arXiv 2305.18290), instead of how likely every token of one is. */
  readonly dpo?: DpoRecipe | undefined;
  /** `joined` in stage `language` and `none` in others if absent. */
  readonly packing?: Packing | undefined;
  /**
   * Rows of like length come in one update, found among so many rows in the shuffled order, a multiple of `batch`; not if absent. With
   * `batch` itself each update keeps its rows, and only its micro-batches change.
   */
  readonly groupByLength?: number | undefined;
  /** Random resized crop and horizontal flip of pictures, as in stage 1 of the paper. */
  readonly augment?: boolean | undefined;
  /**
   * Whether the model is to read pictures in tiles: a base model that reads them whole gets fresh embeddings of tile positions.
   * Absent: as the base model reads them.
   */
  readonly tiles?: boolean | undefined;
  /** Frames sampled evenly from a video; 4 if absent. */
  readonly framesPerVideo?: number | undefined;
  /** Seed of parameter initialisation, of the order of examples and of dropout. */
  readonly seed: number;
  /** Steps between evaluations on held-out rows. */
  readonly evaluateEvery?: number | undefined;
  /** Steps between checkpoints. */
  readonly saveEvery?: number | undefined;
  /** Which checkpoints are kept; the last one alone if absent. */
  readonly keep?: KeptCheckpoints | undefined;
  /** The run ends after so many evaluations in a row that found nothing better (see `bestBy`); not before its last step if absent. */
  readonly patience?: number | undefined;
  /** What is better: a higher score in a benchmark of the run, by its first figure or the one named. A lower loss on held-out rows if absent. */
  readonly bestBy?: { readonly benchmark: string; readonly figure?: string | undefined } | undefined;
  /**
   * The run stops before a step whose loss is more than this many times the mean of those before it (the last twenty count most);
   * never if absent.
   */
  readonly maxLossSpike?: number | undefined;
}

/** How a recipe's rows share sequences. */
export function packingOf({ packing, stage }: Pick<TrainingRecipe, "packing" | "stage">): Packing {
  return packing ?? (stage === "language" ? "joined" : "none");
}

/** The learning-rate schedule of a recipe. */
export function scheduleOf(recipe: TrainingRecipe): Schedule {
  const { schedule, learningRate, warmup, steps, minLearningRateRatio = 0 } = recipe;
  return { shape: schedule, peak: learningRate, warmup, steps, minRatio: minLearningRateRatio };
}

/** The factor on the learning rate of a parameter; 1 where the recipe gives none. */
export function learningRateMultiplierOf(
  { learningRateMultipliers = {} }: TrainingRecipe,
  { name, role }: Pick<ParameterDescription, "name" | "role">,
): number {
  const isLora = role === "lora" || role === "magnitude";
  const found = Object.entries(learningRateMultipliers).find(([prefix]) =>
    prefix === "lora" || isLora ? isLora && prefix === "lora" : name.startsWith(prefix),
  );
  return found?.[1] ?? 1;
}
