import type { MediaKind } from "../model/index.ts";
import { escapeRegExp } from "../platform/index.ts";
import type { TextPart } from "../tokenizer/index.ts";
import { PromptError } from "./error.ts";
import type { Line } from "./message.ts";
import type { PromptTemplate } from "./template.ts";

/** Stands for one picture in a text. */
export const imageMark = "<image>";

/** Stands for one video in a text. */
export const videoMark = "<|video|>";

/** A part of a text that is tokenized on its own, or a picture or video. An answer ends with eos. */
export interface Piece {
  readonly kind: "text" | "answer" | MediaKind;
  /** Its text; in parts that come from messages special tokens are letters. */
  readonly parts: readonly TextPart[];
}

/** A picture or video among the pieces of a text. */
export type MediaPiece = Piece & { readonly kind: MediaKind };

export const media: Readonly<Record<string, MediaPiece>> = {
  [imageMark]: { kind: "image", parts: [{ text: imageMark }] },
  [videoMark]: { kind: "video", parts: [{ text: videoMark }] },
};

export function isMediaPiece(piece: Piece): piece is MediaPiece {
  return piece.kind === "image" || piece.kind === "video";
}

/** The marks of pictures and videos in a row's text, in reading order. */
export function marksIn(text: string): string[] {
  return text.match(new RegExp(`${imageMark}|${escapeRegExp(videoMark)}`, "g")) ?? [];
}

/** Text of the template, in which special tokens are tokens. */
const markup = (text: string): TextPart => ({ text });
/** Text of a message, in which special tokens are letters. */
const letters = (text: string): TextPart => ({ text, splitSpecialTokens: true });

/** A piece as it is written. */
export function textOf({ parts }: Piece): string {
  return parts.map(({ text }) => text).join("");
}

/**
 * A conversation up to and with the mark that asks for the answer, with the template's text between the messages. Cut as
 * the template says, so that with `"turns"` the ids are those of {@link cutTurns} on the same lines.
 *
 * @param hasSystem whether the lines begin with a system message; else the template's sentence comes first
 */
export function writeTurns<Image, Video>(
  lines: readonly Line<Image, Video>[],
  template: PromptTemplate,
  hasSystem: boolean,
): Piece[] {
  const writer = new PieceWriter(template);
  if (!hasSystem) writer.add(markup(template.system));
  for (const line of lines) writer.addLine(line);
  writer.beginTurn("assistant");
  return writer.endWithoutAnswer();
}

/**
 * A finished conversation, whose answers are learned: cut at its turns, so that the ids in front of an answer are those with which
 * the model is asked for it. Without a system message none is put in front.
 */
export function writeTaughtTurns<Image, Video>(
  lines: readonly Line<Image, Video>[],
  template: PromptTemplate,
): Piece[] {
  const writer = new PieceWriter({ ...template, cut: "turns" });
  for (const line of lines) {
    // The model's own sentence is the template's text wherever it comes from.
    if (line.role === "system" && line.text === template.system) writer.add(markup(line.text));
    else writer.addLine(line);
  }
  return writer.end();
}

class PieceWriter {
  readonly #template: PromptTemplate;
  readonly #pieces: Piece[] = [];
  #kind: "text" | "answer" = "text";
  #parts: TextPart[] = [];
  #isFirst = true;

  constructor(template: PromptTemplate) {
    this.#template = template;
  }

  add(part: TextPart): void {
    if (part.text === "") return;
    this.#isFirst = false;
    this.#parts.push(part);
  }

  addLine<Image, Video>(line: Line<Image, Video>): void {
    if (line.role === "system") {
      this.add(letters(line.text));
      return;
    }
    this.beginTurn(line.role);
    if ("text" in line) this.add(letters(line.text));
    else {
      this.add(markup(line.label));
      this.addMedia(line.media.type === "video" ? videoMark : imageMark);
    }
  }

  /** Begins a line. The end of the line before belongs to a user's mark, else to that line. */
  beginTurn(role: "user" | "assistant"): void {
    const { user, assistant } = this.#template;
    const lineEnd = this.#isFirst ? "" : "\n";
    if (role === "assistant") {
      this.add(markup(lineEnd));
      this.#cutTurn();
      this.add(markup(assistant));
      this.#cutTurn();
      this.#kind = this.#template.cut === "turns" ? "answer" : "text";
    } else if (lineEnd === "") this.add(markup(user));
    else {
      this.#cutTurn();
      this.add(markup(lineEnd + user));
      this.#cutTurn();
    }
  }

  addMedia(mark: string): void {
    this.#cut();
    this.#pieces.push(media[mark]);
  }

  /** Without the answer that the last mark asks for. */
  endWithoutAnswer(): Piece[] {
    this.#kind = "text";
    return this.end();
  }

  end(): Piece[] {
    this.#cut();
    return this.#pieces;
  }

  #cutTurn(): void {
    if (this.#template.cut === "turns") this.#cut();
  }

  #cut(): void {
    if (this.#kind === "answer" || this.#parts.length > 0) {
      this.#pieces.push({ kind: this.#kind, parts: this.#parts });
    }
    this.#kind = "text";
    this.#parts = [];
  }
}

/**
 * Cuts a text at its marks of pictures and videos only; two marks side by side are two pictures.
 * (Reference: `_tokenize_prompt` of processing_mplug_owl.py.)
 */
export function cutAtMedia(text: string): Piece[] {
  return splitKeeping(text, [imageMark, escapeRegExp(videoMark)]).flatMap((part): Piece[] => {
    if (part in media) return [media[part]];
    return part === "" ? [] : [{ kind: "text", parts: [markup(part)] }];
  });
}

/**
 * Cuts a written conversation at its pictures, videos and where somebody else begins to speak. What follows the assistant's mark at the
 * beginning of a line is an answer, also an empty one. The first piece is always text.
 * @throws PromptError for a picture inside an answer
 */
export function cutTurns(text: string, template: PromptTemplate, where: string): Piece[] {
  const atLineStart = `(?<![^\n])${escapeRegExp(template.assistant)}`;
  const [first, ...parts] = splitKeeping(text, [
    imageMark,
    escapeRegExp(videoMark),
    atLineStart,
    escapeRegExp(`\n${template.user}`),
  ]);
  const own = [template.system, template.user].find((words) => words !== "" && first.startsWith(words)) ?? "";
  const pieces: Piece[] = [{ kind: "text", parts: [markup(own), letters(first.slice(own.length))] }];
  let isAnswer = false;
  // Marks and the text behind them take turns.
  for (let index = 0; index < parts.length; index += 2) {
    const mark = parts[index];
    const behind = parts[index + 1];
    if (mark in media && isAnswer) {
      throw new PromptError(
        `${where}: pictures must stand in "${template.user}" lines, got ${mark} in an answer. Move it before the question`,
      );
    }
    pieces.push(media[mark] ?? { kind: "text", parts: [markup(mark)] });
    isAnswer = mark === template.assistant;
    if (isAnswer || behind !== "")
      pieces.push({ kind: isAnswer ? "answer" : "text", parts: [letters(behind)] });
  }
  return pieces;
}

/**
 * The cut as the reference makes it: the assistant's mark counts anywhere; in texts with pictures empty parts vanish
 * before it is asked what follows what, and the first part is text even if it is a picture's mark.
 * (Reference: `_extract_text_token_from_conversation` of the released training pipeline.)
 */
export function cutTurnsAsReference(text: string, template: PromptTemplate): Piece[] {
  const all = splitKeeping(text, [
    imageMark,
    escapeRegExp(template.assistant),
    escapeRegExp(`\n${template.user}`),
  ]);
  const parts = text.includes(imageMark) ? all.filter((part) => part !== "") : all;
  return parts.map((part, index): Piece => {
    if (index > 0 && part === imageMark) return media[imageMark];
    const isAnswer = index > 0 && parts[index - 1] === template.assistant;
    return { kind: isAnswer ? "answer" : "text", parts: [markup(part)] };
  });
}

/** The parts between marks and the marks themselves, in order. */
function splitKeeping(text: string, marks: readonly string[]): string[] {
  return text.split(new RegExp(`(${marks.join("|")})`));
}
