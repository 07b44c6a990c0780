import type { Stage } from "../model/index.ts";
import type { OptimizerHyperparameters, OptimizerName } from "./optimizers/index.ts";
import type { Schedule } from "./schedule.ts";

/** Low-rank additions to linear layers of the language model (LoRA, arXiv 2106.09685). */
export interface LoraSettings {
  readonly rank: number;
  /** The addition is scaled by alpha / rank. */
  readonly alpha: number;
  /** Share of the addition's input that is dropped in training, 0 to less than 1. */
  readonly dropout: number;
  /** Last parts of the layers' names: `q_proj`. */
  readonly targets: readonly string[];
}

/** The hyperparameters of a run: all that does not depend on the machine. */
export interface TrainingRecipe extends OptimizerHyperparameters {
  readonly name: string;
  readonly stage: Stage;
  /** Updates of the weights. */
  readonly steps: number;
  /** Rows an update. */
  readonly batch: number;
  /** Rows that are computed at once; the update adds up as many as make a batch. All of them if absent. */
  readonly microBatch?: number | undefined;
  /** Longest row in tokens, pictures included. */
  readonly maxTokens: number;
  readonly learningRate: number;
  readonly schedule: Schedule["shape"];
  /** Steps of the linear rise. */
  readonly warmup: number;
  /** Where the learning rate ends, as a part of the highest. */
  readonly minLearningRateRatio?: number | undefined;
  /** AdamW if absent. Its own hyperparameters (`betas`, `momentum`, …) stand beside it. */
  readonly optimizer?: OptimizerName | undefined;
  readonly weightDecay: number;
  /** Limit of the gradients' common norm. */
  readonly maxGradNorm?: number | undefined;
  /** Factors on the learning rate, by the beginning of parameters' names or, for LoRA, `lora`. */
  readonly learningRateMultipliers?: Readonly<Record<string, number>> | undefined;
  readonly lora?: LoraSettings | undefined;
  /** Cut pictures out and mirror them at random, as in stage 1 of the paper. */
  readonly augment?: boolean | undefined;
  /** Frames that are seen of a video, spread over its length. 4 if absent. */
  readonly framesPerVideo?: number | undefined;
  /** Seed of fresh parameters, of the order of examples and of dropout. */
  readonly seed: number;
  /** Steps between evaluations on held-out rows. */
  readonly evaluateEvery?: number | undefined;
  /** Steps between checkpoints. */
  readonly saveEvery?: number | undefined;
}

/** The learning-rate schedule of a recipe. */
export function scheduleOf(recipe: TrainingRecipe): Schedule {
  const { schedule, learningRate, warmup, steps, minLearningRateRatio = 0 } = recipe;
  return { shape: schedule, peak: learningRate, warmup, steps, minRatio: minLearningRateRatio };
}

/** The factor on the learning rate of a parameter; 1 where the recipe names none. */
export function learningRateMultiplierOf(recipe: TrainingRecipe, name: string): number {
  const factors = Object.entries(recipe.learningRateMultipliers ?? {});
  const isLora = /\.lora_[AB]\.weight$/.test(name);
  const found = factors.find(([part]) => (part === "lora" ? isLora : !isLora && name.startsWith(part)));
  return found?.[1] ?? 1;
}
