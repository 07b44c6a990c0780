import { type Preprocessor, type RgbImage, randomResizedCrop, toPixelValues } from "../image/index.ts";
import {
  encodeCaption,
  encodePlainText,
  encodeTrainingSample,
  type PromptTemplate,
  type SampleOptions,
  type TrainingSample,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { Example } from "./example.ts";
import { seededRandom, seedOf } from "./random.ts";
import type { RowEncoder } from "./reader.ts";

export interface EncoderOptions {
  /** What the texts are: conversations with `<image>` marks, captions of one picture each, or text alone. */
  readonly content: "conversation" | "caption" | "text";
  readonly tokenizer: Tokenizer;
  readonly preprocessor: Preprocessor;
  /** Positions a picture takes. */
  readonly tokensPerImage: number;
  /** Longest row in tokens; what is longer is cut as `encodeTrainingSample` says. */
  readonly maxTokens: number;
  /** How conversations are written; what the tokenizer's directory says if absent. */
  readonly template?: PromptTemplate;
  /** Cut out and mirror pictures at random, as stage 1 of the paper; the seed and the row's index decide how. */
  readonly augmentation?: { readonly seed: number };
}

/** Makes rows of a batch from examples: text to ids and what counts of them, pictures to pixels. */
export function rowEncoder(options: EncoderOptions): RowEncoder {
  const { preprocessor, augmentation } = options;
  const pixelsOf = (image: RgbImage, random: (() => number) | undefined): Float32Array =>
    toPixelValues(random ? randomResizedCrop(image, preprocessor.size, random) : image, preprocessor);
  return (example, index, name) => {
    const { ids, counted, imageCount } = sampleOf(example, name, options);
    const random = augmentation && seededRandom(seedOf("augmentation", augmentation.seed, index));
    const images = example.images.slice(0, imageCount);
    return { ids, counted, name, pixels: images.map((image) => pixelsOf(image, random)) };
  };
}

function sampleOf(example: Example, where: string, options: EncoderOptions): TrainingSample {
  const { content, tokenizer, tokensPerImage, maxTokens: maxLength, template } = options;
  if (content === "text") return encodePlainText(example.text, tokenizer, { maxLength });
  const sample: SampleOptions = { maxLength, tokensPerImage, where, ...(template ? { template } : {}) };
  return content === "caption"
    ? encodeCaption(example.text, tokenizer, sample)
    : encodeTrainingSample(example.text, tokenizer, sample);
}
