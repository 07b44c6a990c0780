import { startDirectory } from "../checkpoint/index.ts";
import type { BatchSizes } from "../data/index.ts";
import { LoadedModel } from "../inference/index.ts";
import { modelScope } from "../model/index.ts";
import { besideLearning, Owl } from "../owl/index.ts";
import { joinPath } from "../platform/index.ts";
import type { Device } from "../runtime/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { adapterOf, scopeOptions, type Trainer } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import type { RunPlan } from "./recipe-file.ts";

/** The model that learns, as it stands, to be asked between steps. */
export interface OwlInTraining {
  readonly owl: Owl;
  /** To be called after steps, before it is asked again: what the abstractor made of a picture before is of no use. */
  forget(): void;
  close(): Promise<void>;
}

/**
 * Why the model that learns cannot be asked; undefined where it can. Programs that answer read weights in single precision where training
 * has them, or those in few bits where they lie in their files; of two bytes they read neither.
 */
export function notAskable({
  narrow,
  quantization,
}: Pick<BaseModel, "narrow" | "quantization">): string | undefined {
  if (quantization !== undefined || narrow.size === 0) return undefined;
  return "need weights that programs can answer with, got a base model that `recompute` keeps in two bytes a number; leave out one of the two, or take a base model in single precision or in few bits";
}

/**
 * Opens the model that learns, with the weights of training, which programs read where they lie. Beside a base model in few bits, its
 * weights are mapped from their files, and what is trained stands beside them.
 *
 * @param trainer whose run has begun: `start/` holds the tokenizer
 */
export async function openOwlInTraining(
  { recipe, output, model: base }: RunPlan,
  baseModel: BaseModel,
  trainer: Trainer<BatchSizes>,
  device: Device,
): Promise<OwlInTraining> {
  const { config, quantization, checkpoint, preprocessor } = baseModel;
  const directory = joinPath(output, startDirectory);
  const model =
    quantization === undefined
      ? new LoadedModel(config, new Map(trainer.values), device, {
          newScope: () => modelScope(config, scopeOptions(recipe)),
          changes: true,
        })
      : await besideLearning(base!, adapterOf(trainer, recipe), device);
  const owl = Owl.over({
    directory,
    model,
    tokenizer: await loadTokenizer(directory),
    preprocessor,
    generationConfig: checkpoint?.generationConfig,
    framesPerVideo: recipe.framesPerVideo,
  });
  return { owl, forget: () => model.visualCache.clear(), close: () => owl.close() };
}
