import { type Tokenizer, tokenContentOf } from "../tokenizer/index.ts";
import { chatTemplateOf } from "./chat-template.ts";
import { encodeConversation } from "./conversation.ts";
import type { MediaPositions } from "./media-positions.ts";
import type { ContentPart, MediaReference, Message } from "./message.ts";
import { encodeTaughtMessages } from "./message-sample.ts";
import { imageMark } from "./pieces.ts";
import { renderChat } from "./render-chat.ts";
import { promptTemplate } from "./template.ts";
import { pictureOfTemplate } from "./template-abilities.ts";
import { encodeTrainingSample } from "./training-sample.ts";

/** A conversation as a model reads it. */
export interface WrittenConversation {
  /** Without the token that every text begins with; a picture is what the model's template writes for one, or `<image>`. */
  readonly text: string;
  /** Token ids; −1 at the positions of a picture. */
  readonly ids: readonly number[];
}

/** What stands for a picture in a model's texts. */
export const pictureMarkOf = (tokenizer: Tokenizer): string => pictureOfTemplate(tokenizer) ?? imageMark;

/** The tokens of a picture's marker, of models whose pictures stand beside the text. */
export function markerIds(tokenizer: Tokenizer): readonly number[] {
  return tokenizer.encodeParts([{ text: pictureMarkOf(tokenizer) }]);
}

/** Messages whose texts have marks in the places of pictures as messages with parts; pictures are numbered. */
export function withPictureParts(
  messages: readonly { readonly role: Message<number>["role"]; readonly content: unknown }[],
  mark: string,
): { readonly messages: Message<number>[]; readonly pictures: number } {
  let pictures = 0;
  const picture = (): ContentPart<number> => ({ type: "image", image: pictures++ });
  const partsOf = (part: unknown): ContentPart<number>[] => {
    const { type, text } = Object(typeof part === "string" ? { type: "text", text: part } : part);
    if (type === "image") return [picture()];
    // What is wrong with other parts is told where messages are checked.
    if (type !== "text" || typeof text !== "string") return [part as ContentPart<number>];
    return text
      .split(mark)
      .flatMap((some, i) => [
        ...(i > 0 ? [picture()] : []),
        ...(some === "" ? [] : [{ type: "text", text: some } as const]),
      ]);
  };
  const placed = messages.map(({ role, content }): Message<number> => {
    if (typeof content !== "string" && !Array.isArray(content)) return { role, content: content as string };
    const parts = (Array.isArray(content) ? content : [content]).flatMap(partsOf);
    const [first] = parts;
    const isText = parts.length === 1 && first.type === "text";
    return { role, content: isText ? first.text : parts.length === 0 ? "" : parts };
  });
  return { messages: placed, pictures };
}

/**
 * A conversation as text and ids: one that ends with a user's message up to where the answer begins, one that ends with an answer as
 * it is taught; without a chat template as the released code writes and cuts a row of such messages, a line end behind each.
 *
 * @throws PromptError listing all that is wrong with the messages
 */
export function writtenConversation(
  messages: readonly Message<number>[],
  tokenizer: Tokenizer,
  positions: MediaPositions,
): WrittenConversation {
  const mark = pictureMarkOf(tokenizer);
  const isFinished = messages.at(-1)?.role === "assistant";
  if (isFinished && chatTemplateOf(tokenizer) === undefined)
    return writtenRow(messages, tokenizer, positions);
  if (!isFinished) {
    const { tokensPerImage, tiles, marker } = positions;
    // Pictures are numbers here, in their order.
    const tilesOf = tiles && ((one: MediaReference<number>) => (one.type === "image" ? tiles[one.image] : 1));
    const { text, ids } = encodeConversation(messages, tokenizer, { tokensPerImage, marker, tilesOf });
    return { text: withoutBos(text.replaceAll(imageMark, mark), tokenizer), ids };
  }
  const options = { ...positions, maxLength: Number.MAX_SAFE_INTEGER };
  const { ids } = encodeTaughtMessages(messages, tokenizer, options);
  return {
    text: withoutBos(
      renderChat(
        messages.map((one) => ({ ...one })),
        tokenizer,
      ),
      tokenizer,
    ),
    ids,
  };
}

function writtenRow(
  messages: readonly Message<number>[],
  tokenizer: Tokenizer,
  positions: MediaPositions,
): WrittenConversation {
  const { user, assistant } = promptTemplate(tokenizer);
  const marks = { system: "", user, assistant };
  const said = ({ content }: Message<number>): string =>
    typeof content === "string"
      ? content
      : content.map((part) => (part.type === "text" ? part.text : imageMark)).join("");
  const lines = messages.map((message) => `${marks[message.role]}${said(message)}`);
  const text = lines.map((line) => (line.endsWith("\n") ? line : `${line}\n`)).join("");
  const options = { ...positions, maxLength: Number.MAX_SAFE_INTEGER, fidelity: "reference" } as const;
  return { text, ids: encodeTrainingSample(text, tokenizer, options).ids };
}

function withoutBos(text: string, { configuration }: Tokenizer): string {
  const bos = tokenContentOf(configuration.bos_token);
  return bos !== undefined && text.startsWith(bos) ? text.slice(bos.length) : text;
}
