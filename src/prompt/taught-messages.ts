import type { Tokenizer } from "../tokenizer/index.ts";
import type { ChatTemplate } from "./chat-template.ts";
import type { MediaPositions } from "./media-positions.ts";
import type { Message } from "./message.ts";
import { type RowPictures, withRowPictures } from "./row-pictures.ts";
import { systemPromptFor } from "./template.ts";
import { type SampleIds, sampleByTemplate } from "./template-sample.ts";

/** What writing a row's messages needs to know; see `SampleOptions`. */
export interface TaughtOptions extends MediaPositions {
  readonly maxLength: number;
  readonly pictures?: RowPictures | undefined;
  readonly where?: string;
}

/**
 * A row's messages as ids, written by the model's own chat template: with the words that a model is asked with in front where they
 * have none, and with what stands for pictures beside the text.
 *
 * @throws PromptError as {@link sampleByTemplate}
 */
export function sampleOfMessages(
  messages: readonly Message<number, number>[],
  chat: ChatTemplate,
  tokenizer: Tokenizer,
  { maxLength, tokensPerImage, tiles, marker, pictures, where = "sample" }: TaughtOptions,
): SampleIds {
  const system = systemPromptFor(tokenizer);
  const isSilent = system !== "" && messages[0]?.role !== "system";
  const whole = isSilent ? [{ role: "system" as const, content: system }, ...messages] : messages;
  const options = { maxLength, tokensPerImage, where };
  if (pictures === undefined) return sampleByTemplate(whole, chat, tokenizer, { ...options, tiles, marker });
  const shown: readonly Message<number, number>[] = withRowPictures(whole, pictures);
  return sampleByTemplate(shown, chat, tokenizer, { ...options, marker: pictures.marker });
}
