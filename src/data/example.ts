import type { RgbImage } from "../image/index.ts";
import type { RowText } from "../prompt/index.ts";

/** Rows of a source that are read together: from `start` on, before `end`. */
export interface RowGroup {
  readonly start: number;
  readonly end: number;
  /** What they take in memory. */
  readonly bytes: number;
}

/** One row of training data: a conversation, a caption or plain text, and the pictures and videos it speaks of. */
export interface Example {
  /** A text in mPLUG-Owl's writing, or messages whose pictures and videos are numbers from 0, in their order. */
  readonly text: RowText;
  /** Of a pair of answers the same conversation with the worse one; the text has the better one. */
  readonly rejected?: RowText | undefined;
  /** In the order of the `<image>` marks of the text. */
  readonly images: readonly RgbImage[];
  /** Frames of each video, in the order of the `<|video|>` marks; only the video version takes any. */
  readonly videos?: readonly (readonly RgbImage[])[];
}

/** One row of dense training data: a picture and the class of each of its patches. */
export interface DenseExample {
  readonly image: RgbImage;
  /** One class a patch, rows of patches from the top; `ignoredClass` where a patch does not count. */
  readonly labels: Uint16Array;
}

/** The label of a patch that does not count. */
export const ignoredClass = 0xffff;

/**
 * Examples by index, 0 ≤ index < length (`Infinity` for generators). `example(i)` depends on the source and `i`
 * alone, so a run that stopped at example n goes on with exactly the examples it would have seen.
 */
export interface Source<T> {
  readonly length: number;
  example(index: number): T | Promise<T>;
  /** The name of this row, for errors: `train.jsonl:12`. */
  nameOf?(index: number): string;
  /** How many tokens this row has, where that is known before it is read. */
  tokensOf?(index: number): number;
  /** The source's rows by groups, in order, where they are read so: neighbours in a group then cost little. */
  readonly groups?: readonly RowGroup[] | undefined;
  /** The rows around this one among which no other of any file comes twice: from `start` on, before `end`. */
  epochOf?(index: number): { readonly start: number; readonly end: number };
}

/** What is known of the rows of a source without reading them, where they come in another order. */
export function reordered<T>(
  source: Source<T>,
  place: (index: number) => number,
): Pick<Source<T>, "nameOf" | "tokensOf"> {
  const { tokensOf } = source;
  return {
    nameOf: (index) => rowName(source, place(index)),
    ...(tokensOf && { tokensOf: (index) => tokensOf.call(source, place(index)) }),
  };
}

export type ExampleSource = Source<Example>;
export type DenseSource = Source<DenseExample>;

/** A row of training data that cannot be used; the message names the file and line, and every other bad row. */
export class DataError extends Error {
  override name = "DataError";
}

/** The name of a row, for errors. */
export function rowName<T>(source: Source<T>, index: number): string {
  return source.nameOf?.(index) ?? `example ${index}`;
}

/**
 * What one row is in its file, as errors number it: a line, an item of one JSON list, a row of a table, a sample of an archive or a
 * picture of a folder.
 */
export type RowUnit = "line" | "item" | "row" | "sample" | "picture" | "annotation";
