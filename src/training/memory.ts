import { type OwlConfig, type ParameterDescription, visionTokens } from "../model/index.ts";
import { elementCount } from "../tensor/index.ts";
import { optimizerOf } from "./optimizers/index.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { accumulationSteps } from "./replicas.ts";

/** Bytes that a run will need, by what they are for. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizerState: number;
  /** Values that the backward pass needs from the forward pass: rough, within a factor of two. */
  readonly activations: number;
  /** Pixels of the update under way and of the next one, which is read meanwhile. Held-out rows are read a micro-batch at a time. */
  readonly pixels: number;
  readonly total: number;
}

const bytesPerFloat = 4;

/** What decides about a run's memory beside model and recipe. */
export interface MemoryOptions {
  /** Pictures, or frames of videos, that a row has. */
  readonly imagesPerRow: number;
  /** Micro-batches that are computed side by side (default 1). */
  readonly replicas?: number;
}

/** How much memory a run needs, before it allocates any. */
export function estimateMemory(
  config: OwlConfig,
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  { imagesPerRow, replicas = 1 }: MemoryOptions,
): MemoryEstimate {
  const bytesOf = (chosen: readonly ParameterDescription[]): number =>
    chosen.reduce((sum, { dims }) => sum + elementCount(dims), 0) * bytesPerFloat;
  const weights = bytesOf(parameters);
  const { batch, microBatch = batch } = recipe;
  const trained = bytesOf(parameters.filter((parameter) => parameter.trained));
  // The first micro-batch's gradients become the sum; those computed beside or after it need a buffer of their own.
  const gradients = trained * (accumulationSteps(recipe) > replicas ? replicas + 1 : replicas);
  const optimizerState = trained * optimizerOf(recipe).optimizer.state.length;
  const activations =
    activationBytes(config, recipe, {
      rows: replicas * microBatch,
      imagesPerRow,
      trainsVision: parameters.some(({ trained, module }) => trained && module === "vision encoder"),
    }) + maskBytes(parameters, recipe, replicas * microBatch * recipe.maxTokens);
  const pixels = 2 * batch * imagesPerRow * 3 * config.vision.imageSize ** 2 * bytesPerFloat;
  const parts = { weights, gradients, optimizerState, activations, pixels };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

/** Dropout's masks, and the inputs they were multiplied with, which the backward pass needs. */
function maskBytes(
  parameters: readonly ParameterDescription[],
  { lora }: TrainingRecipe,
  positions: number,
): number {
  if (lora === undefined || lora.dropout === 0) return 0;
  const inputs = parameters.filter(({ name }) => name.endsWith(".lora_A.weight"));
  return inputs.reduce((sum, { dims }) => sum + 2 * positions * dims[1] * bytesPerFloat, 0);
}

/** Floats a transformer layer keeps for one token: about twelve widths, three MLP widths and its attention rows. */
function floatsPerToken(hidden: number, intermediate: number, heads: number, tokens: number): number {
  return 12 * hidden + 3 * intermediate + heads * tokens;
}

function activationBytes(
  { vision, abstractor, language, numQueryTokens }: OwlConfig,
  { stage, maxTokens }: TrainingRecipe,
  {
    rows,
    imagesPerRow,
    trainsVision,
  }: { readonly rows: number; readonly imagesPerRow: number; readonly trainsVision: boolean },
): number {
  const patches = visionTokens(vision);
  const images = stage === "language" ? 0 : rows * imagesPerRow;
  // A frozen encoder keeps nothing for the backward pass; one layer's values are there while it is computed.
  const visionLayers = trainsVision ? vision.layers : 1;
  const context = patches + numQueryTokens;
  const ofVision =
    images *
    patches *
    visionLayers *
    floatsPerToken(vision.hidden, vision.intermediate, vision.heads, patches);
  const ofAbstractor =
    images *
    context *
    abstractor.layers *
    floatsPerToken(abstractor.hidden, abstractor.intermediate, abstractor.heads, numQueryTokens);
  if (stage === "vision") return ofVision * bytesPerFloat;
  const ofLanguage =
    rows *
    maxTokens *
    (language.layers * floatsPerToken(language.hidden, language.intermediate, language.heads, maxTokens) +
      3 * language.vocabulary);
  return (ofVision + ofAbstractor + ofLanguage) * bytesPerFloat;
}
