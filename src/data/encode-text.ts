import {
  encodeCaption,
  encodePlainText,
  encodeTaughtMessages,
  encodeTrainingSample,
  type MediaPositions,
  PromptError,
  type PromptTemplate,
  type RowText,
  type SampleOptions,
  type TrainingSample,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { RowContent } from "./row.ts";

/** How the texts of rows become tokens. */
export interface EncodingOptions extends MediaPositions {
  readonly content: RowContent;
  readonly tokenizer: Tokenizer;
  /** Longest row in tokens; a longer conversation loses its oldest turns first, then as all others its end. */
  readonly maxTokens: number;
  /** How conversations are written; what the tokenizer's directory says if absent. */
  readonly template?: PromptTemplate;
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
  const { content, tokenizer, tokensPerImage, tiles, maxTokens: maxLength, template } = options;
  const own = template ? { template } : {};
  const sample: SampleOptions = { maxLength, tokensPerImage, tiles, where, ...own };
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
