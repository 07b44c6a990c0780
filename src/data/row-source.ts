import type { ExampleSource } from "./example.ts";
import type { FileCheckOptions } from "./media-check.ts";
import type { Row, RowContent } from "./row.ts";

export interface RowSourceOptions extends FileCheckOptions {
  /**
   * What the texts are. In a conversation every picture has its `<image>` mark and every video its `<|video|>`; a
   * caption has none, and its one picture or video comes first; plain text has no picture.
   */
  readonly content?: RowContent;
  /** Memory for decoded pictures that come again, in bytes (default 256 MB). */
  readonly cacheBytes?: number;
  /** Take only so many rows. */
  readonly rows?: number | undefined;
  /**
   * Says what is wrong with a row's text beside its marks of pictures, so that it is told with all else; sentences that begin
   * with the row's own name (`rows.jsonl:3`) get no other.
   */
  readonly textProblems?: (row: Row) => readonly string[];
}

/** Rows of a file, whose texts can be read without their pictures. */
export interface RowSource extends ExampleSource {
  textOf(index: number): string;
  nameOf(index: number): string;
  /** Whether the row speaks of a video. */
  hasVideo(index: number): boolean;
  /** What tells whether anything was changed: checksums of all rows, and of their files' names and sizes and beginnings. */
  readonly fingerprint: { readonly rows: string; readonly files: string };
}

/** How the rows of a file are written, as a row of `dataFormats`. */
export interface DataFormat {
  /** Endings of file names by which it is recognised. */
  readonly extensions: readonly string[];
  /** A conversation about a picture as it stands in a file. */
  readonly example: string;
  /**
   * Opens a file and checks all of its rows.
   *
   * @throws DataError naming every row that cannot be used
   */
  open(path: string, options: RowSourceOptions): Promise<RowSource>;
}
