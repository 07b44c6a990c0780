import { decodeImage, decodeVideo, type RgbImage } from "../image/index.ts";
import { newDigest } from "../platform/index.ts";
import { LruCache } from "../primitives/index.ts";
import type { RowText } from "../prompt/index.ts";
import { DataError, type Example, type ExampleSource, type RowUnit, requireNoProblems } from "./example.ts";
import { checkMediaFiles, type FileCheckOptions, type LineProblem } from "./media-check.ts";
import type { Picture } from "./picture.ts";
import type { ReadSettings } from "./read-settings.ts";
import { markProblems, type Row, type RowContent } from "./row.ts";

export interface RowSourceOptions extends FileCheckOptions, ReadSettings {
  /**
   * What the texts are. In a conversation every picture has its `<image>` mark and every video its `<|video|>`; a
   * caption has none, and its one picture or video comes first; plain text has no picture.
   */
  readonly content?: RowContent | undefined;
  /** What the texts are where neither that nor their format tells (default: conversations). */
  readonly usualContent?: RowContent | undefined;
  /** Memory for decoded pictures that come again, in bytes (default 256 MB). */
  readonly cacheBytes?: number;
  /** Take only so many rows. */
  readonly rows?: number | undefined;
  /**
   * Further checks of a row's text (its length in tokens), whose problems are listed with all others; sentences that begin
   * with the row's own name (`rows.jsonl:3`) get no other.
   */
  readonly textProblems?: (row: Row, content: RowContent) => readonly string[];
}

/** Rows of a file, whose texts can be read without their pictures. */
export interface RowSource extends ExampleSource {
  /** What the rows' texts are. */
  readonly content: RowContent;
  textOf(index: number): RowText;
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
  /** What errors call it in place of its number. */
  readonly label?: string | undefined;
  readonly unit?: RowUnit;
  /** Its own bytes as text: what the run's fingerprint is made of. */
  readonly stored: string;
  /** The row, or everything that is wrong with it. */
  readonly row: Row | readonly string[];
}

/** How the rows of a file are written, as a row of `dataFormats`. */
export interface DataFormat {
  /** What its rows are called, unless they say otherwise. */
  readonly unit: RowUnit;
  /** What it is, in a line. */
  readonly about: string;
  /** A row as it stands in a file. */
  readonly example: string;
  /**
   * The rows of a file, in order. Pictures are neither checked nor decoded here: {@link openRowSource} does it for every format.
   *
   * @throws DataError where the whole file is something else
   */
  read(path: string, settings?: ReadSettings): AsyncIterable<StoredRow>;
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
  const { rows: found, problems, digest, content, unit } = await readRows(path, format, options);
  const files = await checkMediaFiles(found, options);
  problems.push(...files.problems);
  if (found.length === 0 && problems.length === 0)
    problems.push({ line: 0, problem: `the file has no rows; one is written ${format.example}` });
  requireNoProblems(path, inOrder(path, problems, unit), unit);
  const decode = cachedDecoder(cacheBytes, videos);
  return {
    length: found.length,
    content,
    example: (index) => readExample(path, found[index], decode),
    textOf: (index) => found[index].text,
    nameOf: (index) => nameOf(path, found[index]),
    hasVideo: (index) => found[index].videos.length > 0,
    fingerprint: { rows: digest, files: files.digest },
  };
}

interface FoundRows {
  readonly rows: Row[];
  readonly problems: LineProblem[];
  readonly digest: string;
  readonly content: RowContent;
  readonly unit: RowUnit;
}

/** The name of a row, as errors and logs have it: `train.jsonl:12`. */
export function nameOf(path: string, { line, label }: Pick<Row, "line" | "label">): string {
  return `${path}:${label ?? line}`;
}

/** The rows that are well-formed with a checksum of them, and what is wrong with any row. */
async function readRows(path: string, format: DataFormat, options: RowSourceOptions): Promise<FoundRows> {
  const { videos, rows: most = Number.POSITIVE_INFINITY, textProblems } = options;
  let { content } = options;
  const problems: LineProblem[] = [];
  const rows: Row[] = [];
  const digest = newDigest("sha256");
  const encoder = new TextEncoder();
  let count = 0;
  let { unit } = format;
  for await (const { line, label, stored, row, unit: own } of format.read(path, options)) {
    if (++count > most) break;
    unit = own ?? unit;
    if (!("text" in row)) {
      problems.push(...row.map((problem) => ({ line, label, problem })));
      continue;
    }
    content ??= row.content ?? options.usualContent ?? "conversation";
    rows.push(row);
    digest.update(encoder.encode(`${stored}\n`));
    const wrong = markProblems(row, content, videos !== undefined);
    // What a row is not cannot be counted in tokens.
    const isForeign = wrong.length > 0 && typeof row.text !== "string";
    const all = [...wrong, ...(isForeign ? [] : (textProblems?.(row, content) ?? []))];
    problems.push(...all.map((problem) => ({ line, label, problem })));
  }
  const usual = options.usualContent ?? "conversation";
  return { rows, problems, digest: digest.hex(), content: content ?? usual, unit };
}

function inOrder(path: string, problems: readonly LineProblem[], unit: RowUnit): string[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line);
  return sorted.map(({ line, label, problem }) =>
    line === 0 || problem.startsWith(`${path}:`) ? problem : `${unit} ${label ?? line}: ${problem}`,
  );
}

async function readExample(path: string, row: Row, decode: Decoder): Promise<Example> {
  try {
    const images = await Promise.all(row.images.map(decode.image));
    if (row.videos.length === 0) return { text: row.text, images };
    return { text: row.text, images, videos: await Promise.all(row.videos.map(decode.video)) };
  } catch (error) {
    throw new DataError(`${nameOf(path, row)}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

interface Decoder {
  image(picture: Picture): Promise<RgbImage>;
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
    image: async (picture) => {
      if (typeof picture === "string")
        return (await decode(`image ${picture}`, async () => [await decodeImage(picture)]))[0];
      const { name } = picture;
      return (
        await decode(`image in ${name}`, async () => [await decodeImage(await picture.read(), { name })])
      )[0];
    },
    video: (path) => decode(`video ${path}`, () => decodeVideo(path, videos!)),
  };
}
