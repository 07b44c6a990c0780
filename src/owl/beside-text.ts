import type { EachSecond } from "../image/index.ts";
import type { Media, Prompt } from "../inference/index.ts";
import { hyperOf, type OwlConfig, tokensPerImage } from "../model/index.ts";
import {
  type ContentPart,
  type CutWords,
  type EncodedConversation,
  encodeConversation,
  type Message,
  markerIds,
  requirePositions,
  type ShownPictures,
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

/** In which words a version of mPLUG-Owl3 was taught about pictures. */
export function cutWordsOf(config: OwlConfig): CutWords {
  return hyperOf(config)?.gate === "context" ? "first" : "later";
}

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
  // The first version was taught to see one picture cut, and several whole.
  const cuts = reading.preprocessor.cuts === true && (words === "later" || media.length === 1);
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

/** What is said behind a picture begins a line, as the model was taught, unless it says itself how it goes on. */
function onOwnLine({ role, content }: ChatMessage): ChatMessage {
  if (typeof content === "string") return { role, content };
  const parts = content.map((part, i): ContentPart<ImageSource, VideoSource> => {
    const isBehind = i > 0 && content[i - 1].type !== "text";
    if (part.type !== "text" || !isBehind || /^\s/.test(part.text)) return part;
    return { type: "text", text: `\n${part.text}` };
  });
  return { role, content: parts };
}
