import type { Tokenizer } from "../tokenizer/index.ts";
import type { Medium, Message } from "./message.ts";
import { readMessages } from "./message.ts";
import type { Piece } from "./pieces.ts";
import { cutAtPictures, cutTurns, imageId, videoId } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";
import { promptTemplate } from "./template.ts";

/** What a conversation becomes. */
export interface EncodedConversation<Image, Video = never> {
  /**
   * The prompt as text, `<image>` for each picture and `<|video|>` for each video, up to and with the mark that asks
   * for the answer.
   */
  readonly text: string;
  /** Token ids, bos first; −1 at the positions of a picture, −2 at those of a video. */
  readonly ids: number[];
  /** Pictures in the order of their positions. */
  readonly images: Image[];
  /** Pictures, videos and frames of videos in the order of their positions. */
  readonly media: Medium<Image, Video>[];
}

/** What encoding a conversation needs to know. */
export interface ConversationOptions<Image, Video = never> {
  /** Positions of one picture or video: the model's queries + 1. */
  readonly tokensPerImage: number;
  /** Pictures for the `<image>` marks written in texts, in reading order. */
  readonly images?: readonly Image[];
  /** Videos for the `<|video|>` marks written in texts, in reading order. */
  readonly videos?: readonly Video[];
  /** For models that take no video: each becomes so many numbered pictures, `Frame 1 of 4: <image>` and so on. */
  readonly framesPerVideo?: number | undefined;
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
export function encodeConversation<Image, Video = never>(
  messages: readonly Message<Image, Video>[],
  tokenizer: Tokenizer,
  options: ConversationOptions<Image, Video>,
): EncodedConversation<Image, Video> {
  const { tokensPerImage, template = promptTemplate(tokenizer), images = [], videos = [] } = options;
  const { framesPerVideo } = options;
  const { text, media } = readMessages(messages, template, { images, videos, framesPerVideo });
  const pieces = template.cut === "turns" ? asked(cutTurns(text, template, "messages")) : cutAtPictures(text);
  return {
    text,
    ids: [tokenizer.bosId, ...encodePieces(pieces, tokenizer, tokensPerImage)],
    images: media.flatMap((one) => (one.type === "image" ? [one.image] : [])),
    media,
  };
}

/**
 * A finished prompt, written by hand: bos, the text's pieces, `tokensPerImage` times −1 for each `<image>` and −2 for
 * each `<|video|>`.
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
    if (kind === "image" || kind === "video") {
      return new Array<number>(tokensPerImage).fill(kind === "image" ? imageId : videoId);
    }
    const ids = tokenizer.encode(text);
    return kind === "answer" ? [...ids, tokenizer.eosId] : ids;
  });
}
