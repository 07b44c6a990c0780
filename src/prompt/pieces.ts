import { videoId } from "../model/index.ts";
import { PromptError } from "./error.ts";
import type { PromptTemplate } from "./template.ts";

/** Stands for one picture in a text. */
export const imageMark = "<image>";

/** Stands for one video in a text. */
export const videoMark = "<|video|>";

/** The id at every position that a picture's visual tokens take; a video's is `videoId`. */
export const imageId = -1;

export { videoId };

/** A part of a text that is tokenized on its own, or a picture or video. An answer ends with eos. */
export interface Piece {
  readonly kind: "text" | "image" | "video" | "answer";
  readonly text: string;
}

const media: Readonly<Record<string, Piece>> = {
  [imageMark]: { kind: "image", text: imageMark },
  [videoMark]: { kind: "video", text: videoMark },
};

/** The marks of pictures and videos in a text, in reading order. */
export function marksIn(text: string): string[] {
  return text.match(new RegExp(`${imageMark}|${escaped(videoMark)}`, "g")) ?? [];
}

/**
 * Cuts a text at its pictures and videos only; two marks side by side are two pictures.
 * (Reference: `_tokenize_prompt` of processing_mplug_owl.py.)
 */
export function cutAtPictures(text: string): Piece[] {
  return splitKeeping(text, [imageMark, escaped(videoMark)]).flatMap((part): Piece[] => {
    if (part in media) return [media[part]];
    return part === "" ? [] : [{ kind: "text", text: part }];
  });
}

/**
 * Cuts a conversation at its pictures, videos and where somebody else begins to speak. What follows the assistant's mark at the
 * beginning of a line is an answer, also an empty one. The first piece is always text.
 * @throws PromptError for a picture inside an answer
 */
export function cutTurns(text: string, template: PromptTemplate, where: string): Piece[] {
  const atLineStart = `(?<![^\n])${escaped(template.assistant)}`;
  const [first, ...parts] = splitKeeping(text, [
    imageMark,
    escaped(videoMark),
    atLineStart,
    escaped(`\n${template.user}`),
  ]);
  const pieces: Piece[] = [{ kind: "text", text: first }];
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
    pieces.push(media[mark] ?? { kind: "text", text: mark });
    isAnswer = mark === template.assistant;
    if (isAnswer || behind !== "") pieces.push({ kind: isAnswer ? "answer" : "text", text: behind });
  }
  return pieces;
}

/**
 * The cut as the reference makes it: the assistant's mark counts anywhere; in texts with pictures empty parts vanish
 * before it is asked what follows what, and the first part is text even if it is a picture's mark.
 * (Reference: `_extract_text_token_from_conversation` of the released training pipeline.)
 */
export function cutTurnsAsReference(text: string, template: PromptTemplate): Piece[] {
  const all = splitKeeping(text, [imageMark, escaped(template.assistant), escaped(`\n${template.user}`)]);
  const parts = text.includes(imageMark) ? all.filter((part) => part !== "") : all;
  return parts.map((part, index): Piece => {
    if (index > 0 && part === imageMark) return media[imageMark];
    return { kind: index > 0 && parts[index - 1] === template.assistant ? "answer" : "text", text: part };
  });
}

/** The parts between marks and the marks themselves, in order. */
function splitKeeping(text: string, marks: readonly string[]): string[] {
  return text.split(new RegExp(`(${marks.join("|")})`));
}

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
