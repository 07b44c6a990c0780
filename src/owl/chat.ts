import type { GenerationSettings } from "../generation/index.ts";
import type { Fidelity, Preprocessor } from "../image/index.ts";
import type { Prompt } from "../inference/index.ts";
import { type OwlConfig, tokensPerImage } from "../model/index.ts";
import { checkOptions, option } from "../platform/index.ts";
import {
  encodeConversation,
  type Message,
  PromptError,
  requirePositions,
  type TemplateVariables,
  type TruncatedConversation,
  type Truncation,
  truncateConversation,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { PixelCache } from "./pixel-cache.ts";
import {
  type ImageSource,
  limitRules,
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
  readonly framesPerVideo: number;
  readonly pixelCache: PixelCache;
}

/**
 * A conversation as the model sees it. Only pictures that stay are read.
 *
 * @throws PromptError, ContextLengthError, or what reading pictures throws
 */
export async function conversationPrompt(
  messages: readonly ChatMessage[],
  parts: PromptParts,
  { truncation = "disabled", maxNewTokens, templateVariables, ...limits }: PromptOptions,
): Promise<Prompt> {
  const { preprocessor, fidelity, framesPerVideo, pixelCache, defaults } = parts;
  const { ids, spans, media, notes } = encoded(messages, parts, truncation, {
    maxNewTokens: maxNewTokens ?? defaults.maxNewTokens,
    templateVariables,
  });
  const pictures =
    preprocessor === undefined
      ? requireNoMedia(media.length)
      : await readMedia(media, { ...limits, preprocessor, fidelity, framesPerVideo, pixelCache });
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

function encoded(
  messages: readonly ChatMessage[],
  { config, tokenizer, framesPerVideo }: PromptParts,
  truncation: Truncation,
  {
    maxNewTokens,
    templateVariables,
  }: { readonly maxNewTokens: number } & Pick<PromptOptions, "templateVariables">,
): TruncatedConversation<ImageSource, VideoSource> {
  const { maxPositions: positions } = config.language;
  const frames = config.video ? {} : { framesPerVideo };
  const options = { tokensPerImage: tokensPerImage(config), templateVariables, ...frames };
  if (truncation === "auto") {
    return truncateConversation(messages, tokenizer, { ...options, positions, maxNewTokens });
  }
  const whole = encodeConversation(messages, tokenizer, options);
  requirePositions(whole.ids.length, positions);
  return { ...whole, notes: [] };
}
