import { hyperOf, type OwlConfig, type ParameterDescription, visionTokens } from "../model/index.ts";
import { elementCount } from "../tensor/index.ts";
import { type NarrowWeights, narrowBytes } from "./narrow-weights.ts";
import { optimizerOf } from "./optimizers/index.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { accumulationSteps } from "./replicas.ts";

/** Bytes that a run will need in each of its processes, by what they are for. */
export interface MemoryEstimate {
  /** With the room in which one layer's frozen weights are widened, where they are kept in fewer bytes. */
  readonly weights: number;
  readonly gradients: number;
  readonly optimizerState: number;
  /**
   * Values that the backward pass needs from the forward pass: of all layers, or with `recompute` the states between them and what
   * the largest of the programs that compute a layer takes while it runs.
   */
  readonly activations: number;
  /**
   * Pixels of the update under way and of the next one, which is read meanwhile, and decoded pictures that are kept for when their
   * rows come again. Held-out rows are read a micro-batch at a time.
   */
  readonly pixels: number;
  /** The program itself: Node, ONNX Runtime, compiled graphs. */
  readonly runtime: number;
  readonly total: number;
}

const bytesPerFloat = 4;

/** Measured on a model of a few million parameters. */
const runtimeBytes = 320 * 2 ** 20;

/** What decides about a run's memory beside model and recipe. */
export interface MemoryOptions {
  /** Pictures, or frames of videos, that a row has. */
  readonly imagesPerRow: number;
  /** Micro-batches that are computed side by side (default 1). */
  readonly replicas?: number;
  /** Frozen weights that are kept in fewer bytes. */
  readonly narrow?: NarrowWeights;
  /** Processes that share out the micro-batches and the optimizer state (default 1). */
  readonly processes?: number;
  /** Whether gradients are added up in the order of micro-batches. */
  readonly deterministic?: boolean;
  /** Bytes of decoded pictures that readers of the rows keep (default 0). */
  readonly keptPictures?: number;
}

/** How much memory a run needs, before it allocates any. */
export function estimateMemory(
  config: OwlConfig,
  parameters: readonly ParameterDescription[],
  recipe: TrainingRecipe,
  options: MemoryOptions,
): MemoryEstimate {
  const { imagesPerRow, replicas = 1, narrow = new Map(), processes = 1, deterministic = false } = options;
  const { keptPictures = 0 } = options;
  const bytesOf = (chosen: readonly ParameterDescription[]): number =>
    chosen.reduce((sum, { dims }) => sum + elementCount(dims), 0) * bytesPerFloat;
  const wide = bytesOf(parameters.filter(({ name }) => !narrow.has(name)));
  const packed = [...narrow.values()].reduce((sum, weight) => sum + narrowBytes(weight), 0);
  const weights = wide + packed + replicas * wideningRoom(narrow);
  const { batch, microBatch = batch } = recipe;
  const trained = bytesOf(parameters.filter((parameter) => parameter.trained));
  // The first micro-batch's gradients become the sum; those computed beside or after it need a buffer of their own.
  const rounds = Math.ceil(accumulationSteps(recipe) / replicas / processes);
  const underway = deterministic && processes > 1 && rounds > 2 ? 1 : 0;
  const gradients = trained * ((rounds > 1 ? replicas + 1 : replicas) + underway);
  const optimizerState = (trained * optimizerOf(recipe).optimizer.state.length) / processes;
  const perRow = recipe.dpo === undefined ? 1 : 2;
  const rows = replicas * microBatch * perRow;
  const activations =
    activationFloats(config, recipe, { rows, imagesPerRow, parameters }) * bytesPerFloat +
    maskBytes(parameters, recipe, rows * recipe.maxTokens, config.language.layers) +
    doraBytes(parameters, recipe, rows * recipe.maxTokens, config.language.layers);
  const picture = config.textOnly ? 0 : 3 * config.vision.imageSize ** 2;
  const pixels =
    2 * Math.ceil(batch / processes) * perRow * imagesPerRow * picture * bytesPerFloat + keptPictures;
  const parts = { weights, gradients, optimizerState, activations, pixels, runtime: runtimeBytes };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

/** The bytes of the layer (or table) whose narrow weights take the most in single precision, packed and widened. */
function wideningRoom(narrow: NarrowWeights): number {
  const rooms = new Map<string, number>();
  for (const [name, weight] of narrow) {
    // The abstractor's layers are computed together.
    const layer = name.startsWith("abstractor.") ? "abstractor" : (/^.*?\.\d+\./.exec(name)?.[0] ?? name);
    const bytes = elementCount(weight.dims) * bytesPerFloat + narrowBytes(weight);
    rooms.set(layer, (rooms.get(layer) ?? 0) + bytes);
  }
  return Math.max(0, ...rooms.values());
}

/** Dropout's masks, and the inputs they were multiplied with, which the backward pass needs; with `recompute` those of one layer. */
function maskBytes(
  parameters: readonly ParameterDescription[],
  { lora, recompute = false }: TrainingRecipe,
  positions: number,
  layers: number,
): number {
  if (lora === undefined || lora.dropout === 0) return 0;
  const inputs = parameters.filter(({ name }) => name.endsWith(".lora_A.weight"));
  const all = inputs.reduce((sum, { dims }) => sum + 2 * positions * dims[1] * bytesPerFloat, 0);
  return recompute ? all / layers : all;
}

/**
 * The outputs that a DoRA's lengths were multiplied with, which the backward pass needs (with `recompute` those of one layer), and
 * the largest weight with its addition, twice while its rows' lengths are computed.
 */
function doraBytes(
  parameters: readonly ParameterDescription[],
  { recompute = false }: TrainingRecipe,
  positions: number,
  layers: number,
): number {
  const lengths = parameters.filter(({ role }) => role === "magnitude");
  if (lengths.length === 0) return 0;
  const weights = new Map(parameters.map(({ name, dims }) => [name, elementCount(dims)]));
  const largest = Math.max(
    ...lengths.map(({ initial }) => (initial.kind === "rowNorms" ? (weights.get(initial.of) ?? 0) : 0)),
  );
  const outputs = lengths.reduce((sum, { dims }) => sum + 2 * positions * dims[0], 0);
  return bytesPerFloat * ((recompute ? outputs / layers : outputs) + 2 * largest);
}

/** Sizes of a stack of alike layers over so many positions. */
interface Stack {
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly layers: number;
  /** Tokens of all rows or pictures. */
  readonly positions: number;
  /** Tokens that one of them attends to. */
  readonly context: number;
}

/** Floats that one layer keeps: about twelve widths, three MLP widths and its attention rows for each token. */
function layerFloats({ hidden, intermediate, heads, positions, context }: Stack): number {
  return positions * (12 * hidden + 3 * intermediate + heads * context);
}

/** What a part of the model needs, in floats: what stays until its backward pass, and what is needed while it is computed. */
interface Need {
  readonly kept: number;
  readonly passing: number;
}

/**
 * A stack in one program: what every layer keeps for the backward pass, or, where no gradient passes it, what one layer needs while
 * it is computed.
 */
const inOneProgram = (stack: Stack, isPassed: boolean): Need => ({
  kept: isPassed ? stack.layers * layerFloats(stack) : 0,
  passing: layerFloats(stack),
});

/**
 * A stack that is computed layer by layer: the states between layers, with the gradients of two; and a layer's values, with its
 * gradients where any pass.
 */
const layerByLayer = (stack: Stack, isPassed: boolean): Need => ({
  kept: stack.positions * stack.hidden * (isPassed ? stack.layers + 3 : 2),
  passing: layerFloats(stack) * (isPassed ? 1.5 : 1),
});

/** What the loss and its gradient take of a model's logits: these, their softmax, and the gradient. */
const logitsAtOnce = 3;

/** Rows and pictures of a step that is computed at once. */
interface StepShape {
  readonly rows: number;
  readonly imagesPerRow: number;
  readonly parameters: readonly ParameterDescription[];
}

/** One program keeps what all its parts need; of several each gives back its memory before the next one runs. */
function activationFloats(config: OwlConfig, recipe: TrainingRecipe, shape: StepShape): number {
  const needs = partsOf(config, recipe, shape);
  const kept = needs.reduce((sum, need) => sum + need.kept, 0);
  return kept + Math.max(...needs.map(({ passing }) => passing));
}

function partsOf(
  config: OwlConfig,
  { stage, maxTokens, recompute = false }: TrainingRecipe,
  { rows, imagesPerRow, parameters }: StepShape,
): Need[] {
  const { language, numQueryTokens } = config;
  const ofStack = recompute ? layerByLayer : inOneProgram;
  const positions = rows * maxTokens;
  const ofLanguage = [
    ofStack({ ...language, positions, context: maxTokens }, true),
    { kept: 0, passing: logitsAtOnce * positions * language.vocabulary },
  ];
  if (config.textOnly) return ofLanguage;
  const { vision } = config;
  const patches = visionTokens(vision);
  const images = stage === "language" ? 0 : rows * imagesPerRow;
  const trainsVision = parameters.some(({ trained, name }) => trained && name.startsWith("vision_model."));
  const ofVision = ofStack({ ...vision, positions: images * patches, context: patches }, trainsVision);
  if (stage === "vision") return [ofVision];
  if (config.projector !== undefined)
    return [
      ofVision,
      ofPicturesBeside(config, { images, imagesPerRow, positions, recompute }),
      ...ofLanguage,
    ];
  const { abstractor } = config;
  const context = patches + numQueryTokens;
  const { kept, passing } = inOneProgram(
    { ...abstractor, positions: images * context, context: numQueryTokens },
    true,
  );
  // One program computes the abstractor's layers, since each of them reads all patches.
  const ofAbstractor = recompute ? { kept: 0, passing: kept + passing } : { kept, passing };
  return [ofVision, ofAbstractor, ...ofLanguage];
}

/**
 * What pictures beside the text need: the projector's results, and in each layer that looks at them about eight widths for each of their
 * tokens and a row of attention for each token of the text.
 */
function ofPicturesBeside(
  config: OwlConfig,
  {
    images,
    imagesPerRow,
    positions,
    recompute,
  }: {
    readonly images: number;
    readonly imagesPerRow: number;
    readonly positions: number;
    readonly recompute: boolean;
  },
): Need {
  const { hidden, heads } = config.language;
  const perPicture = visionTokens(config.vision);
  const tokens = images * perPicture;
  const layers = hyperOf(config)?.layers.length ?? 0;
  const ofLayer = 8 * tokens * hidden + positions * heads * imagesPerRow * perPicture;
  const projected = 3 * tokens * hidden;
  if (recompute) return { kept: projected, passing: 1.5 * ofLayer };
  return { kept: projected + layers * ofLayer, passing: ofLayer };
}
