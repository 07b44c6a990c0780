import { type Tokenizer, tokenContentOf } from "../tokenizer/index.ts";
import { chatTemplateOf } from "./chat-template.ts";
import { encodeConversation } from "./conversation.ts";
import type { ContentPart, Message } from "./message.ts";
import { encodeTaughtMessages } from "./message-sample.ts";
import { imageMark } from "./pieces.ts";
import { renderChat } from "./render-chat.ts";
import { pictureOfTemplate } from "./template-abilities.ts";

/** A conversation as a model reads it. */
export interface WrittenConversation {
  /** Without the token that every text begins with; a picture is what the model's template writes for one, or `<image>`. */
  readonly text: string;
  /** Token ids; −1 at the positions of a picture. */
  readonly ids: readonly number[];
}

/** What stands for a picture in a model's texts. */
export const pictureMarkOf = (tokenizer: Tokenizer): string => pictureOfTemplate(tokenizer) ?? imageMark;

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
 * A conversation as text and ids: one that ends with a user's message up to where the answer begins, one of a model with a chat
 * template that ends with an answer as it is taught.
 *
 * @throws PromptError listing all that is wrong with the messages
 */
export function writtenConversation(
  messages: readonly Message<number>[],
  tokenizer: Tokenizer,
  { tokensPerImage }: { readonly tokensPerImage: number },
): WrittenConversation {
  const mark = pictureMarkOf(tokenizer);
  const isFinished = messages.at(-1)?.role === "assistant" && chatTemplateOf(tokenizer) !== undefined;
  if (!isFinished) {
    const { text, ids } = encodeConversation(messages, tokenizer, { tokensPerImage });
    return { text: withoutBos(text.replaceAll(imageMark, mark), tokenizer), ids };
  }
  const options = { tokensPerImage, maxLength: Number.MAX_SAFE_INTEGER };
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

function withoutBos(text: string, { configuration }: Tokenizer): string {
  const bos = tokenContentOf(configuration.bos_token);
  return bos !== undefined && text.startsWith(bos) ? text.slice(bos.length) : text;
}
