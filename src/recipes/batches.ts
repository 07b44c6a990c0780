import {
  type Example,
  type ExampleSource,
  type Reader,
  type RowEncoder,
  readableRows,
  rowEncoder,
  rowName,
  type SkippedRows,
  type Source,
  type TextOptions,
  type TokenBatch,
  tokenReader,
} from "../data/index.ts";
import { defaultFrames } from "../image/index.ts";
import { tokensPerImage } from "../model/index.ts";
import type { TrainingRecipe } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import type { DataFile, RunPlan } from "./recipe-file.ts";

/** What the texts of rows are. */
export type Content = "conversation" | "caption" | "text";

/** Frames that are seen of a video. */
export const framesPerVideo = ({ recipe }: RunPlan): number => recipe.framesPerVideo ?? defaultFrames;

export function contentOf({ recipe }: RunPlan, { content }: DataFile): Content {
  return content ?? contentOfStage(recipe.stage);
}

export function contentOfStage(stage: TrainingRecipe["stage"]): Content {
  return stage === "language" ? "text" : stage === "1" ? "caption" : "conversation";
}

/** An example that knows what its text is. */
export interface TaggedExample extends Example {
  readonly content: Content;
}

export function tagged(source: ExampleSource, content: Content): Source<TaggedExample> {
  return {
    length: source.length,
    example: async (index) => ({ ...(await source.example(index)), content }),
    nameOf: (index) => rowName(source, index),
  };
}

/** Text alone is packed: several texts a row, so that hardly any padding is computed. */
export function readerOf(
  { recipe }: RunPlan,
  origin: BaseModel,
  source: Source<TaggedExample>,
  batch = recipe.batch,
): Reader<TokenBatch> {
  const encoders = new Map<Content, RowEncoder>();
  const encoderFor = (content: Content): RowEncoder => {
    const known = encoders.get(content) ?? encoderOf(recipe, origin, content);
    encoders.set(content, known);
    return known;
  };
  return tokenReader(source, {
    batch,
    microBatch: recipe.microBatch,
    encode: (example, index, name) => encoderFor(example.content)(example, index, name),
    packTokens: recipe.stage === "language" ? recipe.maxTokens : undefined,
    tokensPerImage: tokensPerImage(origin.config),
    imageSize: origin.config.vision.imageSize,
    rounding: { maxTokens: recipe.maxTokens },
  });
}

export function textOptions(
  recipe: TrainingRecipe,
  { tokenizer, config }: BaseModel,
  content: Content,
): TextOptions {
  return { content, tokenizer, tokensPerImage: tokensPerImage(config), maxTokens: recipe.maxTokens };
}

function encoderOf(recipe: TrainingRecipe, origin: BaseModel, content: Content): RowEncoder {
  return rowEncoder({
    ...textOptions(recipe, origin, content),
    preprocessor: origin.preprocessor,
    ...(recipe.augment ? { augmentation: { seed: recipe.seed } } : {}),
  });
}

/** All held-out rows as batches, one row after the other; those that cannot be read are left out as far as allowed. */
export async function heldOut(
  plan: RunPlan,
  origin: BaseModel,
  sources: readonly ExampleSource[],
  skipped: SkippedRows,
): Promise<TokenBatch[]> {
  const { batch, microBatch = batch } = plan.recipe;
  const batches: TokenBatch[] = [];
  for (const [i, source] of sources.entries()) {
    const readable = skipped.most > 0 ? await readableRows(source, skipped) : source;
    const all = tagged(readable, contentOf(plan, plan.evaluation[i]));
    for (let at = 0; at < all.length; at += microBatch) {
      const reader = readerOf(
        { ...plan, recipe: { ...plan.recipe, stage: "full", augment: false, microBatch: undefined } },
        origin,
        all,
        Math.min(microBatch, all.length - at),
      );
      batches.push(...(await reader(at)).batches);
    }
  }
  return batches;
}
