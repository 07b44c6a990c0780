import { escapeRegExp } from "../platform/index.ts";
import type { TextPart, Tokenizer } from "../tokenizer/index.ts";
import { imageMark, isMediaPiece, type MediaPiece, media, type Piece, videoMark } from "./pieces.ts";

// What stands in the texts of messages while a template writes them: halves of surrogate pairs, which no text has. None of
// them is a blank, so that a template trims, cuts and compares as it would without them.
/** No form of a control token goes on here. */
const breakMark = "\ud800";
/** No token goes on here. */
const cutMark = "\ud801";
/** The end of what a message says. */
export const endMark = "\ud802";
const mediaMarks: Readonly<Record<string, string>> = { "\ud803": imageMark, "\ud804": videoMark };
export const markOf = { image: "\ud803", video: "\ud804" } as const;
const unwritten = /[\ud800-\ud802](?![\udc00-\udfff])/g;

/** A text of a template without the marks that show nothing. */
export function withoutMarks(text: string): string {
  return text.replace(unwritten, "");
}

/** Half a surrogate pair is no character: it becomes U+FFFD, as where texts are encoded. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** What the words of messages must not become. */
export interface Guarded {
  readonly tokenizer: Pick<Tokenizer, "controlForms">;
  /** Forms of the template that are no tokens: what begins an answer in plain words, what it writes for a picture. */
  readonly words: readonly string[];
  readonly pictures: readonly string[];
}

/**
 * A message's text with marks in it, so that none of its words becomes a control token, a role's mark or a picture.
 *
 * @param reads forms that the template itself looks for in this text, which stay whole
 */
export function guarded(
  given: string,
  { tokenizer, words, pictures }: Guarded,
  reads?: ReadonlySet<string>,
): string {
  const text = wellFormed(given);
  const breaks = new Set<number>();
  const cuts = new Set<number>();
  for (const { start, form, isWhole } of tokenizer.controlForms(text)) {
    if (!(isWhole && reads?.has(form))) breaks.add(start + 1);
  }
  for (const picture of pictures) for (const at of placesOf(text, picture)) breaks.add(at + 1);
  for (const word of words) {
    for (const at of placesOf(text, word)) for (let i = 1; i < word.length; i++) cuts.add(at + i);
  }
  if (breaks.size === 0 && cuts.size === 0) return text;
  let marked = "";
  let from = 0;
  for (const at of [...new Set([...breaks, ...cuts])].sort((a, b) => a - b)) {
    marked += text.slice(from, at) + (cuts.has(at) ? cutMark : breakMark);
    from = at;
  }
  return marked + text.slice(from);
}

function placesOf(text: string, form: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) places.push(at);
  return places;
}

/** A text with the mark behind its last letter. */
export function withEnd(text: string): string {
  const { length } = text.trimEnd();
  return text.slice(0, length) + endMark + text.slice(length);
}

/** A part of a text that is learned or not. */
export type MarkedPart = TextPart & { readonly isLearned: boolean };

/**
 * The pieces of what a template wrote: cut where pictures and videos stand, with parts where marks are.
 *
 * @param picture what the template writes for an image part
 * @param learned stretches of the text that are learned
 */
export function piecesOf(
  text: string,
  picture: string | undefined,
  learned: readonly (readonly [start: number, end: number])[] = [],
): Piece[] {
  const pieces: Piece[] = [];
  let parts: MarkedPart[] = [];
  const add = (from: number, until: number, cut: boolean): void => {
    const bounds = learned.flat().filter((at) => at > from && at < until);
    for (const [i, at] of [from, ...bounds].entries()) {
      const end = bounds[i] ?? until;
      const isLearned = learned.some(([start, stop]) => at >= start && end <= stop && end > at);
      const isLast = end === until;
      if (end > at) parts.push({ text: text.slice(at, end), isLearned, ...(isLast && cut && { cut }) });
    }
  };
  const show = (piece: MediaPiece): void => {
    if (parts.length > 0) pieces.push({ kind: "text", parts });
    parts = [];
    pieces.push(piece);
  };
  let from = 0;
  for (const { index, 0: mark } of text.matchAll(marksIn(picture))) {
    add(from, index, mark === cutMark);
    from = index + mark.length;
    if (mark === picture) show(media[imageMark]);
    else if (mark in mediaMarks) show(media[mediaMarks[mark]]);
  }
  add(from, text.length, false);
  if (parts.length > 0) pieces.push({ kind: "text", parts });
  return pieces;
}

function marksIn(picture: string | undefined): RegExp {
  const escaped = picture === undefined ? undefined : escapeRegExp(picture);
  return new RegExp(
    `[\\ud800-\\ud804](?![\\udc00-\\udfff])${escaped === undefined ? "" : `|${escaped}`}`,
    "g",
  );
}

/** Pictures and videos among pieces. */
export function mediaKinds(pieces: readonly Piece[]): string[] {
  return pieces.filter(isMediaPiece).map(({ kind }) => kind);
}
