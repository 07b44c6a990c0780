import {
  type EncodingOptions,
  type Example,
  type ExampleSource,
  type FileCheckOptions,
  groupedByLength,
  isInPart,
  type MediaReader,
  type Part,
  type PictureReading,
  pairEncoder,
  pairReader,
  type Reader,
  type RowContent,
  type RowEncoder,
  readableRows,
  rowEncoder,
  rowName,
  type SkippedRows,
  type Source,
  type TokenBatch,
  tokenReader,
} from "../data/index.ts";
import { defaultFrames } from "../image/index.ts";
import { hyperOf, type OwlConfig, readsTiles, tokensPerImage } from "../model/index.ts";
import { cutWordsOf, markerIds } from "../prompt/index.ts";
import {
  type Communicator,
  type HeldOutBatches,
  type Packing,
  packingOf,
  partOf,
  type TrainingRecipe,
} from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import type { RunPlan } from "./recipe-file.ts";

/** Frames that are seen of a video. */
export const framesPerVideo = ({ recipe }: RunPlan): number => recipe.framesPerVideo ?? defaultFrames;

/** An example with the content of its file, since files of several contents are mixed. */
export interface TaggedExample extends Example {
  readonly content: RowContent;
  /** Of a pair of answers; see `withReferences`. */
  readonly reference?: number | undefined;
}

/** The same rows, each with its content; whatever else is known of the source stays known. */
export function tagged(source: ExampleSource, content: RowContent): Source<TaggedExample> {
  return {
    ...source,
    example: async (index) => ({ ...(await source.example(index)), content }),
    nameOf: (index) => rowName(source, index),
  };
}

/** How rows become batches, where training and evaluation differ. */
interface BatchOptions {
  /** Rows that are read at once. */
  readonly batch: number;
  readonly microBatch?: number | undefined;
  /** How rows share sequences, so that hardly any padding is computed. */
  readonly packing: Packing;
  /** Cut pictures out and mirror them at random. */
  readonly augment: boolean;
  /** What makes pixels of pictures; this thread if absent. */
  readonly media?: MediaReader | undefined;
}

/** Batches to train on. */
export function trainingReader(
  recipe: TrainingRecipe,
  baseModel: BaseModel,
  rows: Source<TaggedExample>,
  media?: MediaReader,
): Reader<TokenBatch> {
  const { batch, microBatch, augment = false, groupByLength: window, seed } = recipe;
  const source = window === undefined ? rows : groupedByLength(rows, { window, batch, seed });
  return batchReader(recipe, baseModel, source, {
    batch,
    microBatch,
    packing: packingOf(recipe),
    augment,
    media,
  });
}

export function batchReader(
  recipe: TrainingRecipe,
  baseModel: BaseModel,
  source: Source<TaggedExample>,
  { batch, microBatch, packing, augment, media }: BatchOptions,
): Reader<TokenBatch> {
  const { preprocessor } = baseModel;
  const reading = pictureReading(baseModel);
  const sizes = {
    batch,
    microBatch,
    tokensPerImage: tokensPerImage(baseModel.config),
    imageSize: baseModel.config.textOnly ? 0 : baseModel.config.vision.imageSize,
    rounding: {
      maxTokens: recipe.maxTokens,
      // A picture has from 2 to 21 tiles, or 4 to 7 squares; a program for each number of them would be many.
      ...(readsTiles(baseModel.config) && { images: 4 }),
      ...(preprocessor?.cuts && { images: 2 }),
    },
    hyper: hyperOf(baseModel.config),
    rowsAhead: media?.rowsAhead,
  };
  if (recipe.dpo !== undefined) {
    const encode = pairEncoder({ ...textOptions(recipe, baseModel, "conversation"), ...reading });
    return pairReader(source, {
      ...sizes,
      encode: ({ reference, ...example }, index, name) => {
        if (reference === undefined) throw new RangeError(`${name}: must have a reference, got none`);
        return encode({ ...example, reference }, index, name);
      },
    });
  }
  const encoders = new Map<RowContent, RowEncoder>();
  const encoderFor = (content: RowContent): RowEncoder => {
    const known =
      encoders.get(content) ??
      rowEncoder({
        ...textOptions(recipe, baseModel, content),
        ...reading,
        media,
        ...(augment ? { augmentation: { seed: recipe.seed } } : {}),
      });
    encoders.set(content, known);
    return known;
  };
  return tokenReader(source, {
    ...sizes,
    encode: (example, index, name) => encoderFor(example.content)(example, index, name),
    packTokens: packing === "joined" ? recipe.maxTokens : undefined,
    sequenceTokens: packing === "separate" ? recipe.maxTokens : undefined,
  });
}

/** What the texts of rows need of a model. */
export type TextModel = Pick<BaseModel, "tokenizer" | "config" | "preprocessor">;

export function textOptions(
  recipe: Pick<TrainingRecipe, "maxTokens">,
  { tokenizer, config }: TextModel,
  content: RowContent,
): EncodingOptions {
  return { content, tokenizer, tokensPerImage: tokensPerImage(config), maxTokens: recipe.maxTokens };
}

/** How a model reads the pictures of rows. */
export function pictureReading({ tokenizer, config, preprocessor }: TextModel): PictureReading {
  if (hyperOf(config) === undefined) return { preprocessor };
  return { preprocessor, beside: { words: cutWordsOf(config), marker: markerIds(tokenizer) } };
}

/** How videos of rows are decoded; undefined where the model takes none. */
export function videoFrames(config: OwlConfig, frames: number): FileCheckOptions["videos"] {
  if (!config.video && hyperOf(config) === undefined) return undefined;
  return { frames, size: config.vision.imageSize };
}

/** What held-out rows are read with. */
interface HeldOutOptions {
  readonly skipped: SkippedRows;
  readonly communicator: Communicator;
  readonly media?: MediaReader | undefined;
}

/**
 * All held-out rows as batches, one row after the other, neither packed nor augmented. They are decoded here once, so that what
 * cannot be read shows before the first step (it is left out as far as allowed), and again for every evaluation: no pixels are
 * kept in between. Of several processes each decodes its part.
 */
export async function heldOutBatches(
  plan: RunPlan,
  baseModel: BaseModel,
  sources: readonly Source<TaggedExample>[],
  { skipped, communicator, media }: HeldOutOptions,
): Promise<HeldOutBatches<TokenBatch["sizes"]>> {
  const { recipe } = plan;
  const { batch, microBatch = batch } = recipe;
  const readable: Source<TaggedExample>[] = [];
  await communicator.agree(async () => {
    for (const source of sources)
      readable.push(skipped.limit > 0 ? await readableRows(source, skipped) : source);
  });
  async function* batchesOf(part: Part): AsyncGenerator<TokenBatch> {
    let index = 0;
    for (const source of readable) {
      for (let row = 0; row < source.length; row += microBatch) {
        if (!isInPart(index++, part)) continue;
        const options = {
          batch: Math.min(microBatch, source.length - row),
          packing: "none" as const,
          augment: false,
          media,
        };
        yield* (await batchReader(recipe, baseModel, source, options)(row)).batches;
      }
    }
  }
  const labels = await communicator.agree(async () => {
    let count = 0;
    for await (const read of batchesOf(partOf(communicator))) count += read.labelCount;
    return count;
  });
  const labelCount = (await communicator.exchange(labels)).reduce((sum, count) => sum + count, 0);
  return { labelCount, batches: () => batchesOf({ index: 0, count: 1 }), batchesOf };
}
