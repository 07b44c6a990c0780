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
import {
  encodeCaption,
  encodePlainText,
  encodeTaughtMessages,
  encodeTrainingSample,
  PromptError,
  type PromptTemplate,
  type RowText,
  type SampleOptions,
  type TrainingSample,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { RowEncoder } from "./reader.ts";
import type { RowContent } from "./row.ts";

/** How the texts of rows become tokens. */
export interface EncodingOptions {
  readonly content: RowContent;
  readonly tokenizer: Tokenizer;
  /** Positions a picture or a video takes. */
  readonly tokensPerImage: number;
  /** Longest row in tokens; a longer conversation loses its oldest turns first, then as all others its end. */
  readonly maxTokens: number;
  /** How conversations are written; what the tokenizer's directory says if absent. */
  readonly template?: PromptTemplate;
}

export interface EncoderOptions extends EncodingOptions {
  /** Undefined: rows have no pictures. */
  readonly preprocessor: Preprocessor | undefined;
  /** Cut out and mirror pictures at random, as stage 1 of the paper; the seed and the row's index decide how. */
  readonly augmentation?: { readonly seed: number };
}

/** Makes rows of a batch from examples: text to ids and their loss mask, pictures to pixels. */
export function rowEncoder(options: EncoderOptions): RowEncoder {
  const { augmentation } = options;
  const preprocessor = (): Preprocessor => {
    if (options.preprocessor !== undefined) return options.preprocessor;
    throw new TextOnlyError();
  };
  const pixelsOf = (image: RgbImage, random: (() => number) | undefined): Float32Array => {
    if (random === undefined) return toPixelValues(image, preprocessor());
    const { size, resample } = preprocessor();
    const part = randomResizedCrop(image, size, random, { resample });
    return toPixelValues(part, squeezing(preprocessor()));
  };
  return (example, index, name) => {
    const allVideos = example.videos ?? [];
    const of = allVideos.length > 0 ? "video" : "image";
    const sample = encodeText(example.text, name, options, of);
    const { ids, lossMask, spans, imageCount, videoCount } = sample;
    const random = augmentation && mulberry32(seedOf("augmentation", augmentation.seed, index));
    const images = example.images.slice(0, imageCount);
    const pixels = images.map((image) => pixelsOf(image, random));
    if (videoCount === 0) return { ids, lossMask, spans, name, pixels };
    const videos = allVideos.slice(0, videoCount).map((frames) => toVideoPixelValues(frames, preprocessor()));
    return { ids, lossMask, spans, name, pixels, videos };
  };
}

/**
 * The tokens of a row's text, and which of them are learned.
 *
 * @param where the row's name, for errors
 * @param captionOf what a caption describes
 * @throws PromptError where nothing in the row could be learned
 */
export function encodeText(
  text: RowText,
  where: string,
  options: EncodingOptions,
  captionOf: "image" | "video" = "image",
): TrainingSample {
  const { content, tokenizer, tokensPerImage, maxTokens: maxLength, template } = options;
  const sample: SampleOptions = { maxLength, tokensPerImage, where, ...(template ? { template } : {}) };
  if (typeof text !== "string") {
    if (content === "conversation")
      return encodeTaughtMessages(text, tokenizer, { ...sample, truncation: "turns" });
    throw new PromptError(`${where}: must be a ${content}, got a conversation; say content: conversation`);
  }
  if (content === "text") return encodePlainText(text, tokenizer, { maxLength });
  return content === "caption"
    ? encodeCaption(text, tokenizer, sample, captionOf)
    : encodeTrainingSample(text, tokenizer, { ...sample, truncation: "turns" });
}
