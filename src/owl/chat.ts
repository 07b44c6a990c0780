import type { GenerationSettings } from "../generation/index.ts";
import { defaultFrames, type Fidelity, type Preprocessor, tileCount } from "../image/index.ts";
import type { Media, Prompt } from "../inference/index.ts";
import { hyperOf, type OwlConfig, tokensPerImage } from "../model/index.ts";
import { checkOptions, option } from "../platform/index.ts";
import {
  encodeConversation,
  type MediaReference,
  type Message,
  PromptError,
  requirePositions,
  shownIn,
  type TemplateVariables,
  type TruncatedConversation,
  type Truncation,
  truncateConversation,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { besideTextPrompt, framesBesideText } from "./beside-text.ts";
import type { PixelCache } from "./pixel-cache.ts";
import {
  type ImageSource,
  limitRules,
  type Reading,
  type ReadingLimits,
  readMedia,
  type VideoSource,
} from "./read-media.ts";

/**
 * A message of a conversation; pictures in any form that {@link ImageSource} names, videos in those of
 * {@link VideoSource}.
 */
export type ChatMessage = Message<ImageSource, VideoSource>;

/** How an answer to a prompt is generated; the defaults are those of the model's generation_config.json. */
export type AnswerSettings = Partial<GenerationSettings> & {
  /** Ends the answer before its next token; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The answer is JSON: any object (true), or what a JSON schema allows; see `jsonConstraint` of `mplug-owl/constraint`
   * for what of schemas is supported. Needs one beam.
   */
  readonly json?: boolean | object | undefined;
};

/** How an answer to a conversation is made. */
export type ChatSettings = AnswerSettings & {
  /** Default "auto": where a conversation no longer fits, its oldest turns are left out, and the answer's notes say so. */
  readonly truncation?: Truncation | undefined;
  /** What the model's chat template is told beside the messages, such as `{ enable_thinking: false }`. */
  readonly templateVariables?: TemplateVariables | undefined;
};

/** How a conversation becomes a prompt. */
export interface PromptOptions extends ReadingLimits {
  /**
   * What becomes of a conversation that no longer fits. Default "disabled": a ContextLengthError. With "auto" its oldest
   * turns are left out until it fits with room for an answer, and the prompt's notes say so. The system message and the
   * last message stay; so do pictures, as long as they fit.
   */
  readonly truncation?: Truncation | undefined;
  /** How long the answer may get, for "auto": so much room is kept, but at most an eighth of the positions. */
  readonly maxNewTokens?: number | undefined;
  /** What the model's chat template is told beside the messages, such as `{ enable_thinking: false }`. */
  readonly templateVariables?: TemplateVariables | undefined;
}

/** @throws OptionsError */
export function checkPromptOptions(options: PromptOptions): void {
  checkOptions<PromptOptions>("prompt", options, {
    ...limitRules,
    truncation: option.oneOf(["auto", "disabled"] satisfies Truncation[]),
    maxNewTokens: option.count,
    templateVariables: option.object,
  });
}

/** What of an owl makes prompts. */
interface PromptParts {
  readonly config: OwlConfig;
  readonly tokenizer: Tokenizer;
  /** Undefined for a language model alone. */
  readonly preprocessor: Preprocessor | undefined;
  readonly defaults: GenerationSettings;
  readonly fidelity: Fidelity;
  readonly framesPerVideo: number | undefined;
  readonly pixelCache: PixelCache;
}

/**
 * A conversation as the model sees it. Only pictures that stay are read; where the model reads them in tiles, all are: they alone
 * tell how many positions they take.
 *
 * @throws PromptError, ContextLengthError, or what reading pictures throws
 */
export async function conversationPrompt(
  messages: readonly ChatMessage[],
  parts: PromptParts,
  { truncation = "disabled", maxNewTokens, templateVariables, ...limits }: PromptOptions,
): Promise<Prompt> {
  const { framesPerVideo = defaultFrames, defaults, config, tokenizer } = parts;
  const reading = readingOf(parts, limits);
  if (reading !== undefined && hyperOf(config) !== undefined) {
    return besideTextPrompt(messages, {
      config,
      tokenizer,
      reading,
      truncation,
      maxNewTokens: maxNewTokens ?? defaults.maxNewTokens,
      templateVariables,
    });
  }
  const known = reading && (await readTiles(messages, reading));
  const { ids, spans, media, notes } = encoded(messages, parts, truncation, {
    maxNewTokens: maxNewTokens ?? defaults.maxNewTokens,
    templateVariables,
    tilesOf: known && tileCounter(known, reading.preprocessor),
  });
  const pictures =
    reading === undefined
      ? requireNoMedia(media.length)
      : (await readMedia(media, { ...reading, known })).flat();
  const frames = `This model takes no videos: each was given to it as ${framesPerVideo} numbered pictures.`;
  const told = [...(media.some(({ type }) => type === "frame") ? [frames] : []), ...notes];
  return { ids, pictures, spans, ...(told.length > 0 && { notes: told }) };
}

function requireNoMedia(count: number): [] {
  if (count === 0) return [];
  throw new PromptError(
    `messages: must be text, because this is a language model alone, got ${count} pictures or videos; \`owl assemble\` makes an owl of it`,
  );
}

function readingOf(parts: Omit<PromptParts, "tokenizer">, limits: ReadingLimits): Reading | undefined {
  const { config, preprocessor, fidelity, pixelCache } = parts;
  const frames = parts.framesPerVideo ?? (hyperOf(config) ? framesBesideText : defaultFrames);
  return preprocessor && { ...limits, preprocessor, fidelity, frames, pixelCache };
}

/** How many tiles a picture of a conversation has. */
export type TilesOf = (medium: MediaReference<ImageSource, VideoSource>) => number;

/** How many tiles each picture of messages has; undefined where the model reads them whole. Throws what reading pictures throws. */
export async function conversationTiles(
  messages: readonly ChatMessage[],
  parts: Omit<PromptParts, "tokenizer">,
): Promise<TilesOf | undefined> {
  const reading = readingOf(parts, {});
  const known = reading && (await readTiles(messages, reading));
  return known && tileCounter(known, reading.preprocessor);
}

/** The tiles of the pictures of messages, each picture read once; undefined where the model reads them whole. */
async function readTiles(
  messages: readonly ChatMessage[],
  reading: Reading,
): Promise<ReadonlyMap<ImageSource, Media[]> | undefined> {
  if (reading.preprocessor.grids === undefined) return undefined;
  const shown = shownIn(messages);
  const images = [...new Set(shown.flatMap((part) => (part.type === "image" ? [part.image] : [])))];
  const read = await readMedia(
    images.map((image) => ({ type: "image", image })),
    reading,
  );
  return new Map(images.map((image, i) => [image, read[i]]));
}

/** How many tiles pictures have that were read, and frames of videos, which are squares. */
function tileCounter(known: ReadonlyMap<ImageSource, Media[]>, preprocessor: Preprocessor): TilesOf {
  const ofFrame = tileCount({ width: preprocessor.size, height: preprocessor.size }, preprocessor);
  return (medium) => (medium.type === "image" ? known.get(medium.image)!.length : ofFrame);
}

interface EncodingOptions extends Pick<PromptOptions, "templateVariables"> {
  readonly maxNewTokens: number;
  readonly tilesOf: TilesOf | undefined;
}

function encoded(
  messages: readonly ChatMessage[],
  { config, tokenizer, framesPerVideo = defaultFrames }: PromptParts,
  truncation: Truncation,
  { maxNewTokens, templateVariables, tilesOf }: EncodingOptions,
): TruncatedConversation<ImageSource, VideoSource> {
  const { maxPositions: positions } = config.language;
  const frames = config.video ? {} : { framesPerVideo };
  const options = { tokensPerImage: tokensPerImage(config), tilesOf, templateVariables, ...frames };
  if (truncation === "auto") {
    return truncateConversation(messages, tokenizer, { ...options, positions, maxNewTokens });
  }
  const whole = encodeConversation(messages, tokenizer, options);
  requirePositions(whole.ids.length, positions);
  return { ...whole, notes: [] };
}
