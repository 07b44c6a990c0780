import type { BatchSizes, DenseSizes } from "../data/index.ts";
import {
  describeParameter,
  describeParameters,
  linearLayer,
  loraTargets,
  nextTokenLoss,
  type OwlConfig,
  type ParameterDescription,
  patchStates,
  pixelInput,
  stageScopeOptions,
  stages,
  type TracedLoss,
  traceLoss,
  visionEncoder,
} from "../model/index.ts";
import {
  dim,
  input,
  mergedDim,
  reshape,
  rootScope,
  type Scope,
  type ScopeOptions,
  type Tensor,
} from "../tensor/index.ts";
import { requireFittingLora } from "./lora-fit.ts";
import type { LoraRecipe, TrainingRecipe } from "./recipe.ts";

/** What is minimised: a loss to trace for batches of given sizes, and the parameters that it can depend on. */
export interface Objective<S> {
  /** Every parameter of the model, trained or not, and those that only this objective has. */
  readonly parameters: readonly ParameterDescription[];
  /** Rows of a batch of these sizes. */
  batchSize(sizes: S): number;
  /**
   * The loss as a scalar: the sum over positions of `loss_weights` times the position's loss. In training it may ask for
   * dropout masks among its inputs.
   *
   * @param onBoundary is told the tensors at which the graph may be cut, see `Scope.boundary`
   * @param onRatios is told, where the loss is about pairs of answers, how much likelier each pair's better one is: its
   *   log-probability less the other's, [pairs]
   */
  trace(
    sizes: S,
    purpose?: "training" | "evaluation",
    onBoundary?: (tensor: Tensor) => void,
    onRatios?: (tensor: Tensor) => void,
  ): Tensor;
}

/** Name of the layer that gives each patch its class; it is thrown away after stage `vision`. */
export const denseHead = "dense_head";

/**
 * Next-token loss on the whole model: every stage but `vision`.
 *
 * @throws RangeError where a LoRA does not fit the model, see `requireFittingLora`
 */
export function languageObjective(config: OwlConfig, recipe: TrainingRecipe): Objective<BatchSizes> {
  const { parameters, trace } = tracedModel(config, recipe);
  return {
    parameters,
    batchSize: ({ rows }) => rows,
    trace: (sizes, purpose, onBoundary) => trace(sizes, purpose, onBoundary).loss,
  };
}

/** The model of a recipe: its parameters, and how its loss and its logits are traced. */
export interface TracedModel {
  readonly parameters: readonly ParameterDescription[];
  trace(
    sizes: BatchSizes,
    purpose?: "training" | "evaluation",
    onBoundary?: (tensor: Tensor) => void,
  ): TracedLoss;
}

/** @throws RangeError as {@link languageObjective} */
export function tracedModel(config: OwlConfig, recipe: TrainingRecipe): TracedModel {
  const options = scopeOptions(recipe);
  const parameters = describeParameters(config, rootScope(options));
  if (stages[recipe.stage].lora && recipe.lora)
    requireFittingLora(recipe.name, recipe.lora, config, parameters);
  const inTraining = withDropout(options, recipe);
  return {
    parameters,
    trace: ({ rows: batch, losses: lossRows, ...sizes }, purpose = "evaluation", onBoundary) => {
      const scope = rootScope({
        ...(purpose === "training" ? inTraining : options),
        ...(onBoundary && { onBoundary }),
      });
      return traceLoss(config, { ...sizes, batch, lossRows }, scope);
    },
  };
}

/** Class of every patch, through a linear head on the vision encoder's last hidden states. */
export function denseObjective(config: OwlConfig, classes: number): Objective<DenseSizes> {
  const trained = (name: string): boolean => stages.vision.trained(name) || name.startsWith(`${denseHead}.`);
  const trace = (sizes: DenseSizes, scope: Scope): Tensor => denseLoss(config, classes, sizes, scope);
  const scope = rootScope({ trained });
  trace({ images: 1 }, scope);
  const own = [...scope.parameters()]
    .filter(([name]) => name.startsWith(`${denseHead}.`))
    .map(([name, tensor]) => ({ ...describeParameter(name, tensor), module: "vision encoder" as const }));
  return {
    parameters: [...describeParameters(config, rootScope({ trained })), ...own],
    batchSize: ({ images }) => images,
    trace: (sizes, _, onBoundary) => trace(sizes, rootScope({ trained, ...(onBoundary && { onBoundary }) })),
  };
}

function denseLoss(config: OwlConfig, classes: number, { images }: DenseSizes, scope: Scope): Tensor {
  const pixels = pixelInput(config, images);
  const { lastHiddenState } = visionEncoder(scope.at("vision_model"), pixels, config.vision);
  const patches = patchStates(lastHiddenState, config.vision);
  const options = { bias: true, deviation: config.vision.initializerRange };
  const logits = linearLayer(scope.at(denseHead), patches, dim("classes", classes), options);
  const rows = mergedDim(logits.shape[0], logits.shape[1]);
  return nextTokenLoss(
    reshape(logits, [rows, logits.shape[2]]),
    input("labels", "int64", [rows]),
    input("loss_weights", "float32", [rows]),
  );
}

/** How the model is traced for a recipe: which parameters are trained, and which layers have a LoRA. */
export function scopeOptions(recipe: TrainingRecipe): ScopeOptions {
  const { stage, lora } = recipe;
  if (!stages[stage].lora) return stageScopeOptions(stage);
  if (lora === undefined) throw new RangeError(`recipe ${recipe.name}: stage ${stage} needs lora, got none`);
  requireRate(recipe.name, lora);
  const { dropout: _, targets, ...placement } = lora;
  return stageScopeOptions(stage, { ...placement, targets: loraTargets(targets) });
}

function requireRate(name: string, { dropout }: LoraRecipe): void {
  if (dropout >= 0 && dropout < 1) return;
  throw new RangeError(`recipe ${name}: lora.dropout must be from 0 to less than 1, got ${dropout}`);
}

/** The same with dropout before the LoRA's matrices, where the recipe has any. */
function withDropout(options: ScopeOptions, { lora }: TrainingRecipe): ScopeOptions {
  if (options.lora === undefined || lora === undefined || lora.dropout === 0) return options;
  return { ...options, lora: { ...options.lora, dropout: true } };
}
