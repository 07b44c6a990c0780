import type { Tokenizer } from "../tokenizer/index.ts";
import type { Message } from "./message.ts";
import { readMessages } from "./message.ts";
import type { Piece } from "./pieces.ts";
import { cutAtPictures, cutTurns, imageId } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";
import { promptTemplate } from "./template.ts";

/** What a conversation becomes. */
export interface EncodedConversation<Image> {
  /** The prompt as text, `<image>` for each picture, up to and with the mark that asks for the answer. */
  readonly text: string;
  /** Token ids, bos first; −1 at the positions of a picture. */
  readonly ids: number[];
  /** Pictures in the order of their positions. */
  readonly images: Image[];
}

/** What encoding a conversation needs to know. */
export interface ConversationOptions<Image> {
  /** Positions of one picture: the model's queries + 1. */
  readonly tokensPerImage: number;
  /** Pictures for the `<image>` marks written in texts, in reading order. */
  readonly images?: readonly Image[];
  /** How conversations are written; default: what the tokenizer's directory says. */
  readonly template?: PromptTemplate;
}

/**
 * A conversation, to be answered by the model: the system sentence (the template's, unless the first message is a system
 * message), a line for each message and picture, and the assistant's mark (paper section 3.3; reference: README and
 * `_tokenize_prompt`). Each picture has a line of its own. Where pictures are the last parts of a message, they come
 * before its text, as in the reference's demo: that is how the model was trained.
 * @throws PromptError listing all that is wrong with the messages
 */
export function encodeConversation<Image>(
  messages: readonly Message<Image>[],
  tokenizer: Tokenizer,
  options: ConversationOptions<Image>,
): EncodedConversation<Image> {
  const { tokensPerImage, template = promptTemplate(tokenizer) } = options;
  const { text, images } = readMessages(messages, template, options.images ?? []);
  const pieces = template.cut === "turns" ? asked(cutTurns(text, template, "messages")) : cutAtPictures(text);
  return { text, ids: [tokenizer.bosId, ...encodePieces(pieces, tokenizer, tokensPerImage)], images };
}

/**
 * A finished prompt, written by hand: bos, the text's pieces, `tokensPerImage` times −1 for each `<image>`.
 * (Reference: `_tokenize_prompt`.)
 */
export function encodePrompt(
  text: string,
  tokenizer: Tokenizer,
  { tokensPerImage, addBos = true }: { readonly tokensPerImage: number; readonly addBos?: boolean },
): number[] {
  const ids = encodePieces(cutAtPictures(text), tokenizer, tokensPerImage);
  return addBos ? [tokenizer.bosId, ...ids] : ids;
}

/** Without the empty answer at the end: that is what the model is to write. */
function asked(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.slice(0, -1);
}

function encodePieces(pieces: readonly Piece[], tokenizer: Tokenizer, tokensPerImage: number): number[] {
  return pieces.flatMap(({ kind, text }) => {
    if (kind === "image") return new Array<number>(tokensPerImage).fill(imageId);
    const ids = tokenizer.encode(text);
    return kind === "answer" ? [...ids, tokenizer.eosId] : ids;
  });
}
