import type { EachSecond } from "../image/index.ts";
import type { Media, Prompt } from "../inference/index.ts";
import { type OwlConfig, tokensPerImage } from "../model/index.ts";
import {
  cutWordsOf,
  type EncodedConversation,
  encodeConversation,
  type Message,
  markerIds,
  onOwnLine,
  requirePositions,
  type ShownPictures,
  seesCut,
  shownIn,
  type TemplateVariables,
  type Truncation,
  truncateEncoded,
  withShownPictures,
} from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type ImageSource, type Reading, readShown, type VideoSource } from "./read-media.ts";

type ChatMessage = Message<ImageSource, VideoSource>;

/** How a conversation about pictures beside the text becomes a prompt. */
export interface BesideTextOptions {
  readonly config: OwlConfig;
  readonly tokenizer: Tokenizer;
  readonly reading: Reading;
  readonly truncation: Truncation;
  readonly maxNewTokens: number;
  readonly templateVariables?: TemplateVariables | undefined;
}

/** Frames of a video, as the models' cards have them. */
export const framesBesideText: EachSecond = { most: 16 };

/**
 * A conversation of a model whose pictures stand beside the text (mPLUG-Owl3): pictures are read before it is written, because their
 * shapes decide what is written of them.
 *
 * @throws as `conversationPrompt`
 */
export async function besideTextPrompt(
  messages: readonly ChatMessage[],
  { config, tokenizer, reading, truncation, maxNewTokens, templateVariables }: BesideTextOptions,
): Promise<Prompt> {
  const words = cutWordsOf(config);
  const media = shownIn(messages);
  const cuts = reading.preprocessor.cuts === true && seesCut(words, media.length);
  const shown = await readShown(media, reading, cuts);
  const of = (source: ImageSource | VideoSource): ShownPictures<Media> => shown.get(source)!;
  const { maxPositions: positions } = config.language;
  const places = { tokensPerImage: tokensPerImage(config), marker: markerIds(tokenizer), templateVariables };
  const write = (some: readonly ChatMessage[]): EncodedConversation<Media> => {
    const whole = withShownPictures(some.map(onOwnLine), words, { image: of, video: of });
    return encodeConversation(whole, tokenizer, places);
  };
  const encoded =
    truncation === "auto"
      ? truncateEncoded(messages, { positions, maxNewTokens }, write)
      : { ...write(messages), notes: [] };
  requirePositions(encoded.ids.length, positions);
  const { ids, images, spans, notes } = encoded;
  return { ids, pictures: images, spans, ...(notes.length > 0 && { notes }) };
}
