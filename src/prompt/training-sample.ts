import { endOf, type MediaKind, type MediaSpan } from "../model/index.ts";
import { once } from "../primitives/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type ChatTemplate, chatTemplateOf } from "./chat-template.ts";
import { PromptError } from "./error.ts";
import { type MediaPositions, mediaPlacer, positionsOfFirst } from "./media-positions.ts";
import { cutTurns, cutTurnsAsReference, isMediaPiece, type Piece, textOf } from "./pieces.ts";
import { markProblems } from "./role-marks.ts";
import { rowMessages } from "./row-messages.ts";
import type { RowPictures } from "./row-pictures.ts";
import { sampleOfMessages } from "./taught-messages.ts";
import { type PromptTemplate, promptTemplate } from "./template.ts";
import type { SampleIds } from "./template-sample.ts";
import { withoutOldestTurns } from "./truncate-row.ts";

/** A text as ids, and which of them are to be learned. */
export interface TrainingSample {
  /** Token ids, bos first; −1 at the positions of a picture, −2 at those of a video. */
  readonly ids: readonly number[];
  /** For every id whether predicting it counts in the loss. */
  readonly lossMask: readonly boolean[];
  /** Where pictures and videos lie among the ids: those of the row that have their positions, in its order. */
  readonly spans: readonly MediaSpan[];
  /** Pictures that have their positions: the first so many of the row's. */
  readonly imageCount: number;
  /** Videos that have their positions: the first so many of the row's. */
  readonly videoCount: number;
  /** Whether something was left out because of the length. */
  readonly isCut: boolean;
  /** Oldest turns that were left out because of the length; absent: none. */
  readonly turnsLeftOut?: number;
}

/** What making a sample needs to know. */
export interface SampleOptions extends MediaPositions {
  /** Longest model input; a sample has one id more, because the last one is only a target. */
  readonly maxLength: number;
  /** How conversations are written; default: what the tokenizer's directory says. */
  readonly template?: PromptTemplate;
  /** `"reference"` repeats the released code with its silent errors (docs/fidelity.md); default: not. */
  readonly fidelity?: "reference" | "default";
  /**
   * What a conversation that is too long loses: `"end"`, as in the released code, or first as many of its oldest turns as
   * must go, never a picture, and its end only where a turn alone is too long. Default "end".
   */
  readonly truncation?: "end" | "turns";
  /** Of models whose pictures stand beside the text; the sample's spans are then the pictures that the model sees. */
  readonly pictures?: RowPictures | undefined;
  /** The name of this row, for errors (`train.jsonl:12`). */
  readonly where?: string;
}

/**
 * A conversation in mPLUG-Owl's format; the answers and the eos behind each of them are learned (paper
 * section 3.3). A text that is too long is cut; a cut answer still ends with eos, as in the reference.
 * Lines may end as on any system.
 * @throws PromptError where nothing would be learned (no answer, or none before the cut), and where something looks like the
 *   beginning of a turn and is none, so that a person's words would be learned or an answer would not
 */
export function encodeTrainingSample(
  text: string,
  tokenizer: Tokenizer,
  options: SampleOptions,
): TrainingSample {
  const { template = promptTemplate(tokenizer), fidelity = "default", where = "sample" } = options;
  if (fidelity === "reference") {
    return sampleOfPieces(cutTurnsAsReference(text, template), tokenizer, options, where);
  }
  const lines = requireTurns(text, template, where);
  const chat = options.template === undefined ? chatTemplateOf(tokenizer) : undefined;
  if (chat !== undefined) return sampleThroughTemplate(lines, chat, tokenizer, options);
  const cut = once((some: string): Piece[] => cutTurns(some, template, where));
  const writing = tokenizedOnce(tokenizer);
  const { text: kept, leftOut } =
    options.truncation === "turns"
      ? withoutOldestTurns(
          lines,
          template,
          (some) => fits(cut(some), writing, options),
          (some) => fits(untilAnswer(cut(some)), writing, options),
        )
      : { text: lines, leftOut: 0 };
  const pieces = cut(kept);
  const sample = withoutTrailingMedia(sampleOfPieces(pieces, writing, options, where));
  if (sample.lossMask.includes(true)) return leftOut > 0 ? { ...sample, turnsLeftOut: leftOut } : sample;
  throw new PromptError(
    pieces.some(({ kind }) => kind === "answer")
      ? `${where}: an answer must begin within ${options.maxLength} tokens, got a prompt that fills them. Raise the length or shorten the row`
      : withoutAnswer(template, where),
  );
}

/**
 * What can be said about a conversation's text without a tokenizer: whether each of its turns is written as one, its pictures stand
 * where people speak, and somebody answers.
 *
 * @throws PromptError as {@link encodeTrainingSample} does
 */
export function requireConversation(text: string, template: PromptTemplate, where: string): void {
  const pieces = cutTurns(requireTurns(text, template, where), template, where);
  if (!pieces.some(({ kind }) => kind === "answer")) throw new PromptError(withoutAnswer(template, where));
}

/** The lines of a text in which nothing looks like the beginning of a turn and is none. */
function requireTurns(text: string, template: PromptTemplate, where: string): string {
  const lines = withLineFeeds(text);
  const problems = markProblems(lines, template);
  if (problems.length > 0) throw new PromptError(`${where}: ${listed(problems)}`);
  return lines;
}

const withoutAnswer = ({ assistant }: PromptTemplate, where: string): string =>
  `${where}: a line must begin with "${assistant}", got none. Without an answer there is nothing to learn`;

/** A conversation of a model with a chat template: its turns are read from the row's lines and written by that template. */
function sampleThroughTemplate(
  lines: string,
  chat: ChatTemplate,
  tokenizer: Tokenizer,
  options: SampleOptions,
): TrainingSample {
  const { maxLength, truncation, where = "sample" } = options;
  const marks = promptTemplate(tokenizer);
  const sampleFor = once((some: string): SampleIds => {
    return sampleOfMessages(rowMessages(some, marks, where), chat, tokenizer, options);
  });
  const { text, leftOut } =
    truncation === "turns"
      ? withoutOldestTurns(
          lines,
          marks,
          (some) => !sampleFor(some).isCut,
          (some) => sampleFor(some).lossMask.includes(true),
        )
      : { text: lines, leftOut: 0 };
  const { isCut, ...sequence } = sampleFor(text);
  const sample = withoutTrailingMedia(sampleOf(sequence, isCut));
  if (sample.lossMask.includes(true)) return leftOut > 0 ? { ...sample, turnsLeftOut: leftOut } : sample;
  throw new PromptError(
    rowMessages(text, marks, where).some(({ role }) => role === "assistant")
      ? `${where}: an answer must begin within ${maxLength} tokens, got a prompt that fills them. Raise the length or shorten the row`
      : withoutAnswer(marks, where),
  );
}

/**
 * A picture and its caption (stage 1, paper section 3.2): bos, the picture, the caption, eos; the caption and eos are learned.
 * @param of what the caption speaks of
 * @throws PromptError where the picture alone fills the length
 */
export function encodeCaption(
  caption: string,
  tokenizer: Tokenizer,
  options: SampleOptions,
  of: "image" | "video" = "image",
): TrainingSample {
  const { where = "caption", maxLength } = options;
  const positions = positionsOfFirst(options);
  if (positions + 1 >= maxLength) {
    throw new PromptError(
      `${where}: the length must exceed the picture's ${positions + 1}, got ${maxLength}`,
    );
  }
  const said = options.fidelity === "reference" ? caption : withLineFeeds(caption);
  const pieces: Piece[] = [
    { kind: "text", parts: [] },
    { kind: of, parts: [] },
    { kind: "answer", parts: [{ text: said, splitSpecialTokens: true }] },
  ];
  return sampleOfPieces(pieces, tokenizer, options, where);
}

const problemsShown = 5;

function listed(problems: readonly string[]): string {
  const more = problems.length - problemsShown;
  return problems.slice(0, problemsShown).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** A text whose lines end with `\n` alone: what ended them on somebody's system is nothing to learn. */
export function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** Plain text for language pre-training: bos, the text, eos; everything behind bos is learned. A cut text has no eos. */
export function encodePlainText(
  text: string,
  tokenizer: Tokenizer,
  { maxLength }: Pick<SampleOptions, "maxLength">,
): TrainingSample {
  const letters = { splitSpecialTokens: true };
  const all = [...tokenizer.start, ...tokenizer.encode(withLineFeeds(text), letters), tokenizer.eosId];
  const ids = all.slice(0, maxLength + 1);
  const isCut = ids.length < all.length;
  return sampleOf({ ids, lossMask: ids.map((_, index) => index > 0), spans: [] }, isCut);
}

/** What makes tokens of pieces. */
export type PieceTokenizer = Pick<Tokenizer, "encode" | "encodeParts" | "start" | "eosId">;

/** The same tokenizer, which makes the tokens of each piece once. */
export function tokenizedOnce(tokenizer: Tokenizer): PieceTokenizer {
  const { start, eosId } = tokenizer;
  return {
    start,
    eosId,
    encode: (text, options) => tokenizer.encode(text, options),
    encodeParts: once((parts: Piece["parts"]) => tokenizer.encodeParts(parts)),
  };
}

export function sampleOfPieces(
  pieces: readonly Piece[],
  tokenizer: PieceTokenizer,
  { maxLength, fidelity, ...positions }: SampleOptions,
  where: string,
): TrainingSample {
  const nextPlace = mediaPlacer(positions);
  const encode = (piece: Piece): number[] =>
    fidelity === "reference" ? tokenizer.encode(textOf(piece)) : tokenizer.encodeParts(piece.parts);
  const ids = [...tokenizer.start];
  const lossMask = ids.map(() => false);
  const spans: MediaSpan[] = [];
  let isCut = false;
  const append = (more: readonly number[], counts: boolean) => {
    for (const id of more) ids.push(id);
    // Nothing stands before a row's first id that could predict it.
    for (const _ of more) lossMask.push(counts && lossMask.length > 0);
  };
  for (const [index, piece] of pieces.entries()) {
    const room = maxLength + 1 - ids.length;
    if (isCut || room <= 0) return sampleOf({ ids, lossMask, spans }, true);
    if (isMediaPiece(piece)) {
      const placed = nextPlace(piece.kind, ids.length);
      isCut = placed.ids.length > room;
      if (isCut) continue;
      spans.push(...placed.spans);
      append(placed.ids, false);
      continue;
    }
    const { kind } = piece;
    const tokens = encode(piece);
    if (index === 0 && tokens.length > room) throw new PromptError(tooLong(where, tokens.length, maxLength));
    const kept = tokens.slice(0, kind === "answer" ? room - 1 : room);
    isCut = kept.length < tokens.length;
    append(kept, kind === "answer");
    if (kind === "answer") append([tokenizer.eosId], true);
  }
  return sampleOf({ ids, lossMask, spans }, isCut);
}

/** The pieces in front of the first answer, and an empty answer. */
export function untilAnswer(pieces: readonly Piece[]): Piece[] {
  const first = pieces.findIndex(({ kind }) => kind === "answer");
  return [...pieces.slice(0, first), { kind: "answer", parts: [] }];
}

/** Whether a sample of these pieces would not be cut. */
export function fits(
  pieces: readonly Piece[],
  tokenizer: Pick<Tokenizer, "encodeParts">,
  options: SampleOptions,
): boolean {
  let length = 1;
  const nextPlace = mediaPlacer(options);
  for (const piece of pieces) {
    length += isMediaPiece(piece)
      ? nextPlace(piece.kind, length).ids.length
      : tokenizer.encodeParts(piece.parts).length + Number(piece.kind === "answer");
    if (length > options.maxLength + 1) return false;
  }
  return true;
}

function tooLong(where: string, tokens: number, maxLength: number): string {
  return `${where}: the text before the first answer or picture must fit ${maxLength} tokens, got ${tokens}. Raise the length or shorten the row`;
}

/** Pictures and videos behind the last answer teach nothing, and no text follows that could look at them. */
export function withoutTrailingMedia({ ids, lossMask, spans, isCut }: TrainingSample): TrainingSample {
  let kept = spans.length;
  let length = ids.length;
  for (; kept > 0 && endOf(spans[kept - 1]) === length; kept--) length = spans[kept - 1].start;
  const sequence = {
    ids: ids.slice(0, length),
    lossMask: lossMask.slice(0, length),
    spans: spans.slice(0, kept),
  };
  return sampleOf(sequence, isCut || length < ids.length);
}

export function sampleOf(
  sequence: Pick<TrainingSample, "ids" | "lossMask" | "spans">,
  isCut: boolean,
): TrainingSample {
  // A picture in tiles is counted by its first.
  const count = (kind: MediaKind): number =>
    sequence.spans.filter((span) => span.kind === kind && (span.tile ?? 0) === 0).length;
  return { ...sequence, imageCount: count("image"), videoCount: count("video"), isCut };
}
