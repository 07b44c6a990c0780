import {
  type Adapter,
  type FloatType,
  loraName,
  mergedTensors,
  modulesOf,
  renamed,
  rowsOf,
  type StateDict,
  saveAdapter,
  saveCheckpoint,
  storedAdapter,
  type TensorSource,
} from "../checkpoint/index.ts";
import { allLinear, configJson, loraPartOf, type OwlConfig, storedName } from "../model/index.ts";
import { widened } from "./narrow-weights.ts";
import { denseHead } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import type { Trainer } from "./trainer.ts";

/** What a model directory holds beside the weights. */
export interface ModelFiles {
  readonly config: OwlConfig;
  /** Content of `config.json`. Default: what follows from the config. */
  readonly settings?: Record<string, unknown>;
  /** Content of `preprocessor_config.json`. */
  readonly preprocessorConfig?: unknown;
  /** Content of `generation_config.json`. */
  readonly generationConfig?: unknown;
  /** The tokenizer's and other files by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Number format of the weights in the file (default F32). */
  readonly floatType?: FloatType;
}

/**
 * The model's parameters by their published names, a LoRA merged into its layers' weights; each is widened and merged when it is
 * read.
 */
export function publishedValues<S>(trainer: Trainer<S>, recipe: TrainingRecipe): TensorSource {
  const { values, narrow } = trainer;
  const isPublished = (name: string): boolean =>
    loraPartOf(name) === undefined && !name.startsWith(`${denseHead}.`);
  const names = [...values.keys(), ...narrow.keys()].filter(isPublished);
  const model: TensorSource = {
    path: recipe.name,
    tensors: names.map((name) => ({ name, type: "F32", dims: (values.get(name) ?? narrow.get(name)!).dims })),
    read: async (name, rows) => {
      const weight = narrow.get(name);
      return weight === undefined ? rowsOf(values.get(name)!, rows) : widened(weight, rows);
    },
    close: async () => undefined,
  };
  return recipe.lora && trainer.trained.some((name) => loraPartOf(name) !== undefined)
    ? mergedTensors(model, adapterOf(trainer, recipe))
    : model;
}

/**
 * The trained LoRA by PEFT's names, with all other trained parameters.
 *
 * @throws RangeError where the recipe trains no LoRA
 */
export function adapterOf<S>(trainer: Trainer<S>, recipe: TrainingRecipe): Adapter {
  if (recipe.lora === undefined) throw new RangeError(`recipe ${recipe.name}: trains no LoRA`);
  const { targets, ...settings } = recipe.lora;
  const lora: StateDict = new Map();
  const replaced: StateDict = new Map();
  for (const name of trainer.trained) {
    const value = trainer.values.get(name)!;
    const part = loraPartOf(name);
    if (part === undefined) replaced.set(name, value);
    else lora.set(loraName(part.layer, part.part), value);
  }
  // PEFT writes the layers that it found in place of this word.
  const targetModules = targets === allLinear ? [...modulesOf(lora)].sort() : targets;
  return { settings: { ...settings, targetModules }, lora, replaced };
}

/** What an adapter's directory says beside the matrices. */
export interface AdapterFiles {
  readonly baseModel?: string;
  /** The template of its rows, for prompts to a model with the adapter. */
  readonly promptTemplate?: unknown;
  /** The model's. Default: that of an owl. */
  readonly config?: Pick<OwlConfig, "textOnly" | "generation">;
}

/** Writes the model as a checkpoint directory in the published layout, LoRA merged. */
export async function saveModel<S>(
  directory: string,
  trainer: Trainer<S>,
  recipe: TrainingRecipe,
  { config, settings = configJson(config), ...rest }: ModelFiles,
): Promise<void> {
  const tensors = renamed(publishedValues(trainer, recipe), (name) => storedName(config, name));
  await saveCheckpoint(directory, { ...rest, config: settings, tensors });
}

/**
 * Writes the trained LoRA as PEFT does, and all other trained parameters to a file of their own.
 *
 * Its names are those of the model's files.
 */
export async function saveTrainedAdapter<S>(
  directory: string,
  trainer: Trainer<S>,
  recipe: TrainingRecipe,
  options: AdapterFiles = {},
): Promise<void> {
  const { promptTemplate, config = {}, ...rest } = options;
  const adapter = storedAdapter({ ...adapterOf(trainer, recipe), promptTemplate }, config);
  // PEFT wraps mPLUG-Owl2 as a language model too.
  const isLanguageModel = config.textOnly === true || config.generation !== undefined;
  await saveAdapter(directory, adapter, { ...rest, ...(isLanguageModel && { isLanguageModel }) });
}
