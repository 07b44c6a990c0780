import type { MediaKind } from "../model/index.ts";
import { type CutWords, onOwnLine, withShownPictures } from "./cut-pictures.ts";
import type { Message, RowText } from "./message.ts";
import { marksIn, videoMark } from "./pieces.ts";

/** What a row shows to a model whose pictures stand beside the text (mPLUG-Owl3), and how that is written. */
export interface RowPictures {
  readonly words: CutWords;
  /** The tokens of a picture's marker. */
  readonly marker: readonly number[];
  /** Rows and columns of the squares that each picture is cut to, in reading order; undefined: it is shown whole. */
  readonly grids: readonly (readonly [rows: number, columns: number] | undefined)[];
  /** How many frames each video has, in reading order. */
  readonly frames: readonly number[];
}

/** A row's messages with a part for each picture that the model sees: for squares, wholes and frames, numbered in reading order. */
export function withRowPictures(
  messages: readonly Message<number, number>[],
  { words, grids, frames }: RowPictures,
): Message<number>[] {
  let [images, videos, pictures] = [0, 0, 0];
  const shown = (count: number): number[] => Array.from({ length: count }, () => pictures++);
  return withShownPictures(messages.map(onOwnLine), words, {
    image: () => {
      const grid = grids[images++];
      return { grid, pictures: shown(grid === undefined ? 1 : grid[0] * grid[1] + 1) };
    },
    video: () => ({ pictures: shown(frames[videos++] ?? 1) }),
  });
}

/** Pictures and videos of a row's text in reading order. */
export function mediaOrder(text: RowText): MediaKind[] {
  if (typeof text === "string") return marksIn(text).map((mark) => (mark === videoMark ? "video" : "image"));
  return text.flatMap(({ content }) =>
    typeof content === "string"
      ? []
      : content.flatMap(({ type }): MediaKind[] => (type === "text" ? [] : [type])),
  );
}
