import {
  type Preprocessor,
  type RgbImage,
  randomResizedCrop,
  squeezing,
  toPixelValues,
  toVideoPixelValues,
} from "../image/index.ts";
import { TextOnlyError } from "../model/index.ts";
import { mulberry32, seedOf } from "../primitives/index.ts";
import { PromptError, type TrainingSample } from "../prompt/index.ts";
import { type EncodingOptions, encodeText } from "./encode-text.ts";
import type { Example } from "./example.ts";
import { encodePair, type PairExample, type PairRow } from "./pairs.ts";
import type { RowEncoder } from "./reader.ts";
import type { TokenRow } from "./token-row.ts";

export interface EncoderOptions extends EncodingOptions {
  /** Undefined: rows have no pictures. */
  readonly preprocessor: Preprocessor | undefined;
  /** Cut out and mirror pictures at random, as stage 1 of the paper; the seed and the row's index decide how. */
  readonly augmentation?: { readonly seed: number };
}

/** Makes rows of a batch from examples: text to ids and their loss mask, pictures to pixels. */
export function rowEncoder(options: EncoderOptions): RowEncoder {
  const { augmentation, preprocessor } = options;
  return (example, index, name) => {
    const of = (example.videos ?? []).length > 0 ? "video" : "image";
    const sample = encodeText(example.text, name, options, of);
    const random = augmentation && mulberry32(seedOf("augmentation", augmentation.seed, index));
    return { ...tokensOf(sample, name), ...mediaOf(sample, example, preprocessor, random) };
  };
}

/** Makes pairs of answers from examples; their pictures are the same. */
export function pairEncoder(options: EncoderOptions): RowEncoder<PairExample, PairRow> {
  return ({ text, rejected, reference, ...example }, _, name) => {
    if (rejected === undefined) throw new PromptError(`${name}: must be a pair of answers, got one`);
    const [better, other] = encodePair({ text, rejected }, name, options);
    const media = mediaOf(better, example, options.preprocessor, undefined);
    return {
      chosen: { ...tokensOf(better, name), ...media },
      rejected: { ...tokensOf(other, name), ...media },
      reference,
    };
  };
}

const tokensOf = ({ ids, lossMask, spans }: TrainingSample, name: string) => ({ ids, lossMask, spans, name });

/** The pixels of the pictures and videos that have their places in a sample. */
function mediaOf(
  { imageCount, videoCount }: TrainingSample,
  { images, videos = [] }: Pick<Example, "images" | "videos">,
  preprocessor: Preprocessor | undefined,
  random: (() => number) | undefined,
): Pick<TokenRow, "pixels" | "videos"> {
  if (imageCount + videoCount === 0) return { pixels: [] };
  if (preprocessor === undefined) throw new TextOnlyError();
  const { size, resample } = preprocessor;
  const pixelsOf = (image: RgbImage): Float32Array =>
    random
      ? toPixelValues(randomResizedCrop(image, size, random, { resample }), squeezing(preprocessor))
      : toPixelValues(image, preprocessor);
  const pixels = images.slice(0, imageCount).map(pixelsOf);
  if (videoCount === 0) return { pixels };
  return {
    pixels,
    videos: videos.slice(0, videoCount).map((frames) => toVideoPixelValues(frames, preprocessor)),
  };
}
