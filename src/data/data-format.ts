import type { BytePlace } from "./byte-place.ts";
import type { RowUnit } from "./example.ts";
import type { ReadSettings } from "./read-settings.ts";
import type { ReadGroup } from "./record.ts";
import type { Row } from "./row.ts";

/** A row as a file holds it. */
export interface StoredRow {
  /** The number of its line or item, from 1. */
  readonly line: number;
  /** What errors call it in place of its number. */
  readonly label?: string | undefined;
  readonly unit?: RowUnit;
  /** Its own bytes as text: what the run's fingerprint is made of. */
  readonly stored: string;
  /** Where these bytes lie, if in one piece of the file. */
  readonly place?: BytePlace | undefined;
  /** What it is read together with, if its file is read by groups. */
  readonly group?: ReadGroup | undefined;
  /** The row, or everything that is wrong with it. */
  readonly row: Row | readonly string[];
}

/**
 * Reads a single row again.
 *
 * @param line its number
 * @param text reads its own text
 */
export type RowReader = (line: number, text: () => Promise<string>) => Promise<Row | readonly string[]>;

/** How the rows of a file are written, as a row of `dataFormats`. */
export interface DataFormat {
  /** What its rows are called, unless they say otherwise. */
  readonly unit: RowUnit;
  /** What it is, in a line. */
  readonly about: string;
  /** A row as it stands in a file. */
  readonly example: string;
  /**
   * The rows of a file, in order. Pictures are neither checked nor decoded here: a check of the rows does it for every format.
   *
   * @throws DataError where the whole file is something else
   */
  read(path: string, settings?: ReadSettings): AsyncIterable<StoredRow>;
  /** What reads single rows again; undefined where the file has them not in one piece each, so that they must stay in memory. */
  reader(path: string, settings?: ReadSettings): Promise<RowReader | undefined>;
}
