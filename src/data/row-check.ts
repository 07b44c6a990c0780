import { newDigest } from "../platform/index.ts";
import type { DataFormat, StoredRow } from "./data-format.ts";
import { type FileCheckOptions, MediaCheck, MediaCounts, type MediaTotals } from "./media-check.ts";
import type { ReadSettings } from "./read-settings.ts";
import { markProblems, type Row, type RowContent } from "./row.ts";
import { RowProblems } from "./row-problems.ts";

/** What a check of all rows of a file found. */
export interface CheckedRows {
  readonly content: RowContent;
  /** Rows that were read, bad ones too. */
  readonly rows: number;
  readonly problems: RowProblems;
  readonly media: MediaTotals;
  /** Directories of pictures and videos, the first ten thousand of them. */
  readonly directories: readonly string[];
  /** Checksums of all rows, and of the size and beginning of every picture and video file. */
  readonly fingerprint: { readonly rows: string; readonly files: string };
}

/** Keeps the rows of the first reading, where they are wanted for more than a check. */
export interface RowKeeper {
  keep(row: Row, stored: StoredRow): void;
  /** Those that were kept; undefined where they must be read again. */
  all(): readonly Row[] | undefined;
}

export interface RowCheckOptions extends FileCheckOptions, ReadSettings {
  /**
   * What the texts are. In a conversation every picture has its `<image>` mark and every video its `<|video|>`; a
   * caption has none, and its one picture or video comes first; plain text has no picture.
   */
  readonly content?: RowContent | undefined;
  /** What the texts are where neither that nor their format tells (default: conversations). */
  readonly usualContent?: RowContent | undefined;
  /** Take only so many rows. */
  readonly rows?: number | undefined;
  /**
   * Further checks of a row's text (its length in tokens), whose problems are listed with all others; sentences that begin
   * with the row's own name (`rows.jsonl:3`) get no other.
   */
  readonly textProblems?: (row: Row, content: RowContent) => readonly string[] | Promise<readonly string[]>;
  /** How many problems are kept in full (default 20). */
  readonly problemsKept?: number | undefined;
}

/**
 * Reads a file of rows and checks all of them, then all pictures and videos that they name, each once. No row is kept: where there
 * are pictures, the file is read a second time.
 *
 * @throws DataError where the whole file is something else
 */
export async function checkRows(
  path: string,
  format: DataFormat,
  options: RowCheckOptions,
  keeper?: RowKeeper,
): Promise<CheckedRows> {
  const { usualContent = "conversation", problemsKept, videos, textProblems } = options;
  let { content } = options;
  let [rows, wellFormed, last] = [0, 0, 0];
  const problems = new RowProblems(path, format.unit, problemsKept);
  const counts = new MediaCounts();
  const digest = newDigest("sha256");
  const encoder = new TextEncoder();
  for await (const found of firstRows(path, format, options)) {
    const { line, label, stored, row, unit } = found;
    // What is wrong with a list behind a row is told with that row.
    if (line !== last) rows++;
    last = line;
    problems.unit = unit ?? problems.unit;
    if (!("text" in row)) {
      for (const problem of row) problems.add({ line, label, problem });
      continue;
    }
    content ??= row.content ?? usualContent;
    wellFormed++;
    keeper?.keep(row, found);
    counts.add(row);
    digest.update(encoder.encode(`${stored}\n`));
    const wrong = markProblems(row, content, videos !== undefined);
    // What a row is not cannot be counted in tokens.
    const isForeign = wrong.length > 0 && typeof row.text !== "string";
    for (const problem of [...wrong, ...(isForeign ? [] : ((await textProblems?.(row, content)) ?? []))])
      problems.add({ line, label, problem });
  }
  const { pictures, videos: films, files: different } = counts;
  const media = { pictures, videos: films, files: different };
  const kept = keeper?.all() ?? rowsOf(path, format, options);
  const files = await new MediaCheck(media.files, options).check(media.files > 0 ? kept : [], (problem) =>
    problems.add(problem),
  );
  if (wellFormed === 0 && problems.count === 0)
    problems.add({ line: 0, problem: `the file has no rows; one is written ${format.example}` });
  return {
    content: content ?? usualContent,
    rows,
    problems,
    media,
    directories: [...counts.directories],
    fingerprint: { rows: digest.hex(), files },
  };
}

/** As many rows of a file as are wanted, good and bad. */
export async function* firstRows(
  path: string,
  format: DataFormat,
  { rows: most = Number.POSITIVE_INFINITY, ...settings }: RowCheckOptions,
): AsyncGenerator<StoredRow> {
  let count = 0;
  for await (const row of format.read(path, settings)) {
    if (++count > most) return;
    yield row;
  }
}

/** Those of them that are well-formed. */
async function* rowsOf(path: string, format: DataFormat, options: RowCheckOptions): AsyncGenerator<Row> {
  for await (const { row } of firstRows(path, format, options)) if ("text" in row) yield row;
}
