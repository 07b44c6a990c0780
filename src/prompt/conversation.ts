import type { MediaSpan } from "../model/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { chatTemplateOf, type TemplateVariables } from "./chat-template.ts";
import { PromptError } from "./error.ts";
import { roleMarkEscaper } from "./escape-role-marks.ts";
import { type MediaPositions, mediaPlacer } from "./media-positions.ts";
import { conversationOf, linesOf, type MediaReference, type Message } from "./message.ts";
import { cutAtMedia, isMediaPiece, type Piece, textOf, writeTurns } from "./pieces.ts";
import { type PromptTemplate, promptTemplate, systemPromptFor } from "./template.ts";
import { writeByTemplate } from "./template-conversation.ts";

/** What a conversation becomes. */
export interface EncodedConversation<Image, Video = never> {
  /**
   * The prompt as text, `<image>` for each picture and `<|video|>` for each video, up to and with the mark that asks
   * for the answer.
   */
  readonly text: string;
  /** Token ids, bos first; −1 at the positions of a picture, −2 at those of a video. */
  readonly ids: number[];
  /** Where the visual tokens of each of `media` lie; of a picture in tiles those of each tile. */
  readonly spans: readonly MediaSpan[];
  /** The pictures among `media`. */
  readonly images: Image[];
  /** Pictures, videos and frames of videos in the order of their positions. */
  readonly media: MediaReference<Image, Video>[];
}

/** What encoding a conversation needs to know. */
export interface ConversationOptions<Image = unknown, Video = unknown>
  extends Pick<MediaPositions, "tokensPerImage" | "marker"> {
  /** How many tiles a picture has, for models that read pictures in tiles; absent: they read them whole. */
  readonly tilesOf?: ((medium: MediaReference<Image, Video>) => number) | undefined;
  /** For models that take no video: each becomes so many numbered pictures, `Frame 1 of 4: <image>` and so on. */
  readonly framesPerVideo?: number | undefined;
  /** How conversations are written; default: what the tokenizer's directory says. */
  readonly template?: PromptTemplate;
  /** What the model's chat template is told beside the messages, such as `{ enable_thinking: false }`. */
  readonly templateVariables?: TemplateVariables | undefined;
}

/**
 * A conversation, to be answered by the model: the system prompt (the template's, unless there are system messages), a line
 * for each message and picture, and the assistant's mark (paper section 3.3; reference: README and
 * `_tokenize_prompt`). Each picture has a line of its own, where it stands among the texts of its message. Only the
 * template makes marks, special tokens and positions of pictures: in texts they are letters, and a line of a text that
 * begins as a turn does is indented by two spaces ({@link roleMarkEscaper}).
 * @throws PromptError listing all that is wrong with the messages
 */
export function encodeConversation<Image, Video = never>(
  messages: readonly Message<Image, Video>[],
  tokenizer: Tokenizer,
  options: ConversationOptions<Image, Video>,
): EncodedConversation<Image, Video> {
  const chat = options.template === undefined ? chatTemplateOf(tokenizer) : undefined;
  const conversation = conversationOf(messages);
  if (chat !== undefined) {
    const { templateVariables: variables, framesPerVideo } = options;
    const whole = withSystemPrompt(conversation, systemPromptFor(tokenizer));
    const { pieces, media } = writeByTemplate(whole, chat, tokenizer, { variables, framesPerVideo });
    return encoded(pieces, media, options, {
      start: [],
      encode: ({ parts }) => tokenizer.encodeParts(parts),
    });
  }
  requireChatTemplate(options);
  const { template = promptTemplate(tokenizer), framesPerVideo } = options;
  const lines = linesOf(conversation, roleMarkEscaper(template, tokenizer), framesPerVideo);
  const pieces = writeTurns(lines, template, conversation[0].role === "system");
  const media = lines.flatMap((line) => ("media" in line ? [line.media] : []));
  const encode = ({ kind, parts }: Piece): number[] => {
    const ids = tokenizer.encodeParts(parts);
    return kind === "answer" ? [...ids, tokenizer.eosId] : ids;
  };
  return encoded(pieces, media, options, { start: tokenizer.start, encode });
}

/** How pieces of text become ids. */
interface TextEncoding {
  /** Ids in front of the first piece. */
  readonly start: readonly number[];
  readonly encode: (piece: Piece) => readonly number[];
}

function encoded<Image, Video>(
  pieces: readonly Piece[],
  media: readonly MediaReference<Image, Video>[],
  { tokensPerImage, marker, tilesOf }: ConversationOptions<Image, Video>,
  text: TextEncoding,
): EncodedConversation<Image, Video> {
  const tiles = tilesOf && media.map(tilesOf);
  return {
    text: pieces.map(textOf).join(""),
    ...encodePieces(pieces, text, { tokensPerImage, marker, tiles }),
    images: media.flatMap((one) => (one.type === "image" ? [one.image] : [])),
    media: [...media],
  };
}

/** What a model was taught with in front, where a conversation has no system message. */
function withSystemPrompt<Image, Video>(
  conversation: readonly Message<Image, Video>[],
  content: string,
): readonly Message<Image, Video>[] {
  return content === "" || conversation[0].role === "system"
    ? conversation
    : [{ role: "system", content }, ...conversation];
}

/** Variables for a template that is not there would have no effect. */
function requireChatTemplate({
  templateVariables = {},
}: Pick<ConversationOptions, "templateVariables">): void {
  const names = Object.keys(templateVariables);
  if (names.length === 0) return;
  throw new PromptError(
    `templateVariables: must be for a model with a chat template, got ${names.join(", ")} for one that has none; leave them out`,
  );
}

/**
 * A finished prompt, written by hand: bos, the text's pieces, `tokensPerImage` times −1 for each `<image>` (or for each of its
 * `tiles`) and −2 for each `<|video|>`.
 * (Reference: `_tokenize_prompt`.)
 */
export function encodePrompt(
  text: string,
  tokenizer: Tokenizer,
  { addBos = true, ...positions }: MediaPositions & { readonly addBos?: boolean },
): number[] {
  // A prompt written by hand contains its special tokens, too.
  const encode = (piece: Piece): number[] => tokenizer.encode(textOf(piece));
  const start = addBos ? tokenizer.start : [];
  return encodePieces(cutAtMedia(text), { start, encode }, positions).ids;
}

function encodePieces(
  pieces: readonly Piece[],
  { start, encode }: TextEncoding,
  positions: MediaPositions,
): { readonly ids: number[]; readonly spans: readonly MediaSpan[] } {
  const ids = [...start];
  const spans: MediaSpan[] = [];
  const nextPlace = mediaPlacer(positions);
  for (const piece of pieces) {
    const placed = isMediaPiece(piece) ? nextPlace(piece.kind, ids.length) : undefined;
    if (placed) spans.push(...placed.spans);
    for (const id of placed?.ids ?? encode(piece)) ids.push(id);
  }
  return { ids, spans };
}
