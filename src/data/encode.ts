import { TextOnlyError } from "../model/index.ts";
import { seedOf } from "../primitives/index.ts";
import { mediaOrder, PromptError, type TrainingSample } from "../prompt/index.ts";
import { type EncodingOptions, encodeText } from "./encode-text.ts";
import { DataError, type Example } from "./example.ts";
import { type PixelTask, pixelsOf, type RowPixels } from "./media-pixels.ts";
import type { MediaReader } from "./media-reader.ts";
import { encodePair, type PairExample, type PairRow } from "./pairs.ts";
import type { RowEncoder } from "./reader.ts";
import { cutOrWhole, type PictureReading, rowPlaces } from "./row-places.ts";

export interface EncoderOptions extends EncodingOptions, PictureReading {
  /** Cut out and mirror pictures at random, as stage 1 of the paper; the seed and the row's index decide how. */
  readonly augmentation?: { readonly seed: number };
  /**
   * What makes pixels, and may do so in other threads; this one if absent.
   *
   * @internal
   */
  readonly media?: MediaReader | undefined;
}

/** Makes rows of a batch from examples: text to ids and their loss mask, pictures to pixels. */
export function rowEncoder(options: EncoderOptions): RowEncoder {
  const { augmentation, media } = options;
  return (example, index, name) => {
    const of = (example.videos ?? []).length > 0 ? "video" : "image";
    const sample = encodeText(example.text, name, { ...options, ...placesOf(example, options) }, of);
    const seed = augmentation && seedOf("augmentation", augmentation.seed, index);
    const task = taskOf(sample, example, options, seed);
    const tokens = tokensOf(sample, name);
    if (task === undefined || media === undefined) return { ...tokens, ...pixelsHere(task) };
    return pixelsThere(task, name, media).then((pixels) => ({ ...tokens, ...pixels }));
  };
}

/** Makes pairs of answers from examples; their pictures are the same. */
export function pairEncoder(options: EncoderOptions): RowEncoder<PairExample, PairRow> {
  return ({ text, rejected, reference, ...example }, _, name) => {
    if (rejected === undefined) throw new PromptError(`${name}: must be a pair of answers, got one`);
    const places = placesOf(example, options);
    const [better, other] = encodePair({ text, rejected }, name, { ...options, ...places });
    const media = pixelsHere(taskOf(better, { ...example, text }, options));
    return {
      chosen: { ...tokensOf(better, name), ...media },
      rejected: { ...tokensOf(other, name), ...media },
      reference,
    };
  };
}

/** What a row's pictures and videos are in its text; nothing where each picture is one. */
function placesOf(
  { images, videos = [] }: Pick<Example, "images" | "videos">,
  options: EncoderOptions,
): ReturnType<typeof rowPlaces> {
  const frames = videos.map(({ length }) => length);
  const places = rowPlaces(options, images, frames);
  if (options.augmentation === undefined || Object.keys(places).length === 0) return places;
  throw new RangeError(
    "augment: must be for a model that reads pictures whole, got one that reads them in tiles or beside the text; say augment: false",
  );
}

const tokensOf = ({ ids, lossMask, spans }: TrainingSample, name: string) => ({ ids, lossMask, spans, name });

/** The pictures and videos that have their places in a sample, to be made into pixels; undefined: none. */
function taskOf(
  { imageCount, videoCount }: TrainingSample,
  { text, images, videos = [] }: Pick<Example, "text" | "images" | "videos">,
  { preprocessor, beside }: PictureReading,
  seed?: number,
): PixelTask | undefined {
  if (imageCount + videoCount === 0) return undefined;
  if (preprocessor === undefined) throw new TextOnlyError();
  if (beside !== undefined) {
    const reading = cutOrWhole(preprocessor, beside, images.length + videos.length);
    return { images, videos, preprocessor: reading, beside: { order: mediaOrder(text), count: imageCount } };
  }
  return { images: images.slice(0, imageCount), videos: videos.slice(0, videoCount), preprocessor, seed };
}

/** The same, made here. */
const pixelsHere = (task: PixelTask | undefined): RowPixels =>
  task === undefined ? { pixels: [] } : pixelsOf(task);

/** Made elsewhere. @throws DataError that names the row */
async function pixelsThere(task: PixelTask, name: string, media: MediaReader): Promise<RowPixels> {
  try {
    return await media.pixels(task);
  } catch (error) {
    throw new DataError(`${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
