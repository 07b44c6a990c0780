import { decodeImage, decodeVideo, type RgbImage } from "../image/index.ts";
import { newDigest } from "../platform/index.ts";
import { LruCache } from "../primitives/index.ts";
import { DataError, type Example, type ExampleSource, type RowUnit, requireNoProblems } from "./example.ts";
import { checkMediaFiles, type FileCheckOptions, type LineProblem } from "./media-check.ts";
import { markProblems, type Row, type RowContent } from "./row.ts";

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
   * Further checks of a row's text (its length in tokens), whose problems are listed with all others; sentences that begin
   * with the row's own name (`rows.jsonl:3`) get no other.
   */
  readonly textProblems?: (row: Row) => readonly string[];
}

/** Rows of a file, whose texts can be read without their pictures. */
export interface RowSource extends ExampleSource {
  textOf(index: number): string;
  nameOf(index: number): string;
  /** Whether the row has a video. */
  hasVideo(index: number): boolean;
  /** Checksums by which a resumed run finds that its data has changed: of all rows, and of the size and beginning of every media file. */
  readonly fingerprint: { readonly rows: string; readonly files: string };
}

/** A row as a file holds it. */
export interface StoredRow {
  /** The number of its line or item, from 1. */
  readonly line: number;
  /** Its own bytes as text: what the run's fingerprint is made of. */
  readonly stored: string;
  /** The row, or everything that is wrong with it. */
  readonly row: Row | readonly string[];
}

/** How the rows of a file are written, as a row of `dataFormats`. */
export interface DataFormat {
  /** Endings of file names by which it is recognised. */
  readonly extensions: readonly string[];
  readonly unit: RowUnit;
  /** A conversation about a picture as it stands in a file. */
  readonly example: string;
  /**
   * The rows of a file, in order. Pictures are neither checked nor decoded here: {@link openRowSource} does it for every format.
   *
   * @throws DataError where the whole file is something else
   */
  read(path: string): AsyncIterable<StoredRow>;
}

/**
 * Reads and checks all rows of a file, and the beginning of every picture; pictures are decoded when their row is asked for.
 *
 * @throws DataError naming every line that is no row, misses a picture file, has other than one `<image>`
 *   mark a picture (the released code takes another row instead and says nothing), a video where the model
 *   takes none, or a picture that is none
 */
export async function openRowSource(
  path: string,
  format: DataFormat,
  options: RowSourceOptions,
): Promise<RowSource> {
  const { cacheBytes = 256 * 2 ** 20, videos } = options;
  const { rows: found, problems, digest } = await readRows(path, format, options);
  const files = await checkMediaFiles(found, options);
  problems.push(...files.problems);
  if (found.length === 0 && problems.length === 0)
    problems.push({ line: 0, problem: `the file has no rows; one is written ${format.example}` });
  requireNoProblems(path, inOrder(path, problems, format.unit), format.unit);
  const decode = cachedDecoder(cacheBytes, videos);
  return {
    length: found.length,
    example: (index) => readExample(path, found[index], decode),
    textOf: (index) => found[index].text,
    nameOf: (index) => `${path}:${found[index].line}`,
    hasVideo: (index) => found[index].videos.length > 0,
    fingerprint: { rows: digest, files: files.digest },
  };
}

/** The rows that are well-formed with a checksum of them, and what is wrong with any row. */
async function readRows(
  path: string,
  format: DataFormat,
  { content = "conversation", videos, rows: most = Number.POSITIVE_INFINITY, textProblems }: RowSourceOptions,
): Promise<{ readonly rows: Row[]; readonly problems: LineProblem[]; readonly digest: string }> {
  const problems: LineProblem[] = [];
  const rows: Row[] = [];
  const digest = newDigest("sha256");
  const encoder = new TextEncoder();
  let count = 0;
  for await (const { line, stored, row } of format.read(path)) {
    if (++count > most) break;
    if (!("text" in row)) {
      problems.push(...row.map((problem) => ({ line, problem })));
      continue;
    }
    rows.push(row);
    digest.update(encoder.encode(`${stored}\n`));
    const own = [...markProblems(row, content, videos !== undefined), ...(textProblems?.(row) ?? [])];
    problems.push(...own.map((problem) => ({ line, problem })));
  }
  return { rows, problems, digest: digest.hex() };
}

function inOrder(path: string, problems: readonly LineProblem[], unit: RowUnit): string[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line);
  return sorted.map(({ line, problem }) =>
    line === 0 || problem.startsWith(`${path}:`) ? problem : `${unit} ${line}: ${problem}`,
  );
}

async function readExample(path: string, row: Row, decode: Decoder): Promise<Example> {
  try {
    const images = await Promise.all(row.images.map(decode.image));
    if (row.videos.length === 0) return { text: row.text, images };
    return { text: row.text, images, videos: await Promise.all(row.videos.map(decode.video)) };
  } catch (error) {
    throw new DataError(`${path}:${row.line}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

interface Decoder {
  image(path: string): Promise<RgbImage>;
  video(path: string): Promise<readonly RgbImage[]>;
}

/** Decodes picture and video files, keeping those used last up to a number of bytes. */
function cachedDecoder(limit: number, videos: RowSourceOptions["videos"]): Decoder {
  const cache = new LruCache<string, readonly RgbImage[]>({
    limit,
    weightOf: (frames) => frames.reduce((sum, { data }) => sum + data.byteLength, 0),
  });
  const decode = async (
    key: string,
    read: () => Promise<readonly RgbImage[]>,
  ): Promise<readonly RgbImage[]> => {
    const found = cache.get(key);
    if (found !== undefined) return found;
    const frames = await read();
    cache.set(key, frames);
    return frames;
  };
  return {
    image: async (path) => (await decode(`image ${path}`, async () => [await decodeImage(path)]))[0],
    video: (path) => decode(`video ${path}`, () => decodeVideo(path, videos!)),
  };
}
