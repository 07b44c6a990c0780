import { decodeImage, decodeVideo, type RgbImage } from "../image/index.ts";
import { joinPath, parentDirectory, pathKind, readText } from "../platform/index.ts";
import { DataError, type Example, type ExampleSource, requireNone } from "./example.ts";

export interface JsonlOptions {
  /**
   * What the texts are. In a conversation every picture has its `<image>` mark and every video its `<|video|>`; a
   * caption has none, and its one picture or video comes first; plain text has no picture.
   */
  readonly content?: "conversation" | "caption" | "text";
  /** Memory for decoded pictures that come again, in bytes (default 256 MB). */
  readonly cacheBytes?: number;
  /** How videos are decoded: so many frames of so many pixels a side. Absent: the model takes none. */
  readonly videos?: { readonly frames: number; readonly size: number } | undefined;
}

/** Rows of a file, whose texts can be read without their pictures. */
export interface JsonlSource extends ExampleSource {
  textOf(index: number): string;
  nameOf(index: number): string;
  /** Whether the row speaks of a video. */
  hasVideo(index: number): boolean;
}

interface Row {
  readonly line: number;
  readonly text: string;
  /** Paths of the pictures, in order. */
  readonly images: readonly string[];
  /** Paths of the videos, in order. */
  readonly videos: readonly string[];
}

/**
 * Rows in mPLUG-Owl's format, one JSON object a line: `{"image": ["a.jpg"], "text": "…", "task_type": "…"}`.
 * `image` may be absent, and there may be `video`, a list too; paths are relative to the file. Other keys are passed
 * over, empty lines too. All lines are read and checked here; pictures are decoded when their row is asked for.
 *
 * @throws DataError naming every line that is no such row, misses a picture file, has other than one `<image>`
 *   mark a picture (the released code takes another row instead and says nothing), or a video where the model
 *   takes none
 */
export async function jsonlSource(path: string, options: JsonlOptions = {}): Promise<JsonlSource> {
  const { cacheBytes = 256 * 2 ** 20 } = options;
  const problems: string[] = [];
  const found: Row[] = [];
  for (const [i, line] of (await readText(path)).split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const row = parseRow(line, i + 1, parentDirectory(path));
    const bad = typeof row === "string" ? [row] : await rowProblems(row, options);
    problems.push(...bad.map((problem) => `line ${i + 1}: ${problem}`));
    if (typeof row !== "string") found.push(row);
  }
  if (found.length === 0 && problems.length === 0) problems.push("the file has no rows");
  requireNone(path, problems);
  const decode = cachedDecoder(cacheBytes, options.videos);
  return {
    length: found.length,
    example: (index) => readExample(path, found[index], decode),
    textOf: (index) => found[index].text,
    nameOf: (index) => `${path}:${found[index].line}`,
    hasVideo: (index) => found[index].videos.length > 0,
  };
}

function parseRow(line: string, number: number, directory: string): Row | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `must be JSON, got ${error instanceof Error ? error.message : String(error)}`;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be a JSON object";
  const { text, image, video }: { text?: unknown; image?: unknown; video?: unknown } = value;
  if (typeof text !== "string" || text === "") return '"text" must be a text that is not empty';
  const images = pathsOf(image, directory);
  if (images === undefined) return '"image" must be a list of file names';
  const videos = pathsOf(video, directory);
  if (videos === undefined) return '"video" must be a list of file names';
  return { line: number, text, images, videos };
}

function pathsOf(names: unknown, directory: string): string[] | undefined {
  const list = names ?? [];
  if (!Array.isArray(list) || !list.every((name) => typeof name === "string")) return undefined;
  return list.map((name) => (/^([a-z]:)?[\\/]/i.test(name) ? name : joinPath(directory, name)));
}

async function rowProblems(row: Row, { content = "conversation", videos }: JsonlOptions): Promise<string[]> {
  const problems: string[] = [];
  const pictures = row.images.length;
  const films = row.videos.length;
  const marks = row.text.split("<image>").length - 1;
  const filmMarks = row.text.split("<|video|>").length - 1;
  const all = pictures + films;
  if (content === "text" && all > 0) problems.push(`plain text has no pictures, got ${all}`);
  if (content === "caption" && (all !== 1 || marks + filmMarks > 0)) {
    problems.push(`a caption has one picture and no <image> mark, got ${all} and ${marks + filmMarks}`);
  }
  if (content === "conversation" && marks !== pictures) {
    problems.push(`needs one <image> mark a picture, got ${marks} for ${pictures}`);
  }
  if (content === "conversation" && filmMarks !== films) {
    problems.push(`needs one <|video|> mark a video, got ${filmMarks} for ${films}`);
  }
  if (films > 0 && videos === undefined) {
    problems.push('"video" needs a model of the video version; give its frames as pictures');
  }
  problems.push(...(await missing("picture", row.images)), ...(await missing("video", row.videos)));
  return problems;
}

async function missing(what: string, paths: readonly string[]): Promise<string[]> {
  const kinds = await Promise.all(paths.map(pathKind));
  return kinds.flatMap((kind, i) =>
    kind === "file" ? [] : [`${what} ${paths[i]}: ${kind === "missing" ? "no such file" : "a directory"}`],
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
function cachedDecoder(limit: number, videos: JsonlOptions["videos"]): Decoder {
  const kept = new Map<string, readonly RgbImage[]>();
  const bytesOf = (frames: readonly RgbImage[]): number =>
    frames.reduce((sum, { data }) => sum + data.byteLength, 0);
  let bytes = 0;
  const decode = async (
    key: string,
    read: () => Promise<readonly RgbImage[]>,
  ): Promise<readonly RgbImage[]> => {
    const frames = kept.get(key) ?? (await read());
    if (kept.delete(key)) bytes -= bytesOf(frames);
    kept.set(key, frames);
    bytes += bytesOf(frames);
    for (const [oldest, dropped] of kept) {
      if (bytes <= limit) break;
      kept.delete(oldest);
      bytes -= bytesOf(dropped);
    }
    return frames;
  };
  return {
    image: async (path) => (await decode(`image ${path}`, async () => [await decodeImage(path)]))[0],
    video: (path) => decode(`video ${path}`, () => decodeVideo(path, videos!)),
  };
}
