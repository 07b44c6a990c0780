export type { BenchmarkFigure, Benchmarking, BenchmarkScore } from "./benchmarks.ts";
export { alone, type Communicator, joinProcesses } from "./communicator.ts";
export { type DiskEstimate, estimateDisk } from "./disk.ts";
export { DivergenceError, LossSpikeError } from "./divergence.ts";
export type { ToldRewards, TrainingEvent } from "./events.ts";
export { currentNameOf, formerNameOf, withCurrentNames } from "./former-names.ts";
export type { Rewards } from "./gradient-computation.ts";
export type { EvaluationData, HeldOutBatches } from "./held-out.ts";
export { initialize } from "./initialize.ts";
export { estimateMemory, type MemoryEstimate } from "./memory.ts";
export { describeMemory, inMemoryWords, MemoryError, memoryWarnings, requireMemory } from "./memory-check.ts";
export {
  type BlockWeight,
  type HalfWeight,
  type NarrowWeight,
  type NarrowWeights,
  narrowBytes,
  widened,
} from "./narrow-weights.ts";
export { denseHead, denseObjective, languageObjective, type Objective, scopeOptions } from "./objective.ts";
export {
  defaultOptimizer,
  foreignHyperparameters,
  foreignKey,
  type OptimizerName,
  optimizerHyperparameters,
  optimizerNames,
  optimizers,
} from "./optimizers/index.ts";
export type { Optimizer, UpdateStep } from "./optimizers/optimizer.ts";
export type { OptimizerHyperparameters } from "./optimizers/optimizers.ts";
export { lockOutput, OutputInUseError } from "./output-lock.ts";
export { preferenceObjective } from "./preference.ts";
export {
  type DpoRecipe,
  type KeptCheckpoints,
  type LoraRecipe,
  learningRateMultiplierOf,
  type Packing,
  packingOf,
  scheduleOf,
  type TrainingRecipe,
} from "./recipe.ts";
export { accumulationSteps, openReplicas } from "./replicas.ts";
export { changedInputs, type RunInput, type RunInputs } from "./run-inputs.ts";
export type { SampleAnswer, SampleAttention, Sampling } from "./samples.ts";
export {
  type AdapterFiles,
  adapterOf,
  type ModelFiles,
  publishedValues,
  saveModel,
  saveTrainedAdapter,
} from "./save.ts";
export { learningRateAt, type Schedule } from "./schedule.ts";
export {
  hasState,
  type Progress,
  ResumeError,
  recipeOfState,
  restoreState,
  type StateOptions,
  saveState,
  trainedValues,
} from "./state.ts";
export type { TrainingBatch } from "./step-programs.ts";
export { train } from "./train.ts";
export type { TrainingOutcome, TrainOptions } from "./train-options.ts";
export { requireUpdatable } from "./trained-memory.ts";
export {
  createTrainer,
  type EvaluationResult,
  type StepResult,
  type Trainer,
  type TrainerOptions,
} from "./trainer.ts";
export { type MicroBatchNote, partOf, type UpdateShare } from "./update-share.ts";
