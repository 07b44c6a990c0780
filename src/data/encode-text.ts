import {
  chatTemplateOf,
  encodeCaption,
  encodePlainText,
  encodeTaughtMessages,
  encodeTrainingSample,
  type MediaPositions,
  PromptError,
  type PromptTemplate,
  type RowPictures,
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
  /** What a row shows to a model whose pictures stand beside the text. */
  readonly pictures?: RowPictures | undefined;
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
  const { content, tokenizer, tokensPerImage, tiles, maxTokens: maxLength, template, pictures } = options;
  const own = template ? { template } : {};
  const sample: SampleOptions = { maxLength, tokensPerImage, tiles, pictures, where, ...own };
  if (pictures !== undefined && content !== "text") requireChat(where, options);
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

/** How captions were written where pictures stand beside the text is not known, and conversations are by a chat template alone. */
function requireChat(where: string, { content, template, tokenizer }: EncodingOptions): void {
  const must = "a row whose pictures stand beside the text must be a conversation";
  if (content !== "conversation")
    throw new PromptError(
      `${where}: ${must}, got a ${content}; write the question to it, and say content: conversation`,
    );
  if (template !== undefined || chatTemplateOf(tokenizer) === undefined)
    throw new PromptError(
      `${where}: ${must} that a chat template writes, got no such template; begin with a published mPLUG-Owl3`,
    );
}
