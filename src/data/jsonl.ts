import { decodeImage, type RgbImage } from "../image/index.ts";
import { joinPath, parentDirectory, pathKind, readText } from "../platform/index.ts";
import { DataError, type Example, type ExampleSource, requireNone } from "./example.ts";

export interface JsonlOptions {
  /**
   * What the texts are. In a conversation every picture has its `<image>` mark; a caption has none, and its one
   * picture comes first; plain text has no picture.
   */
  readonly content?: "conversation" | "caption" | "text";
  /** Memory for decoded pictures that come again, in bytes (default 256 MB). */
  readonly cacheBytes?: number;
}

/** Rows of a file, whose texts can be read without their pictures. */
export interface JsonlSource extends ExampleSource {
  textOf(index: number): string;
  nameOf(index: number): string;
}

interface Row {
  readonly line: number;
  readonly text: string;
  /** Paths of the pictures, in order. */
  readonly images: readonly string[];
}

/**
 * Rows in mPLUG-Owl's format, one JSON object a line: `{"image": ["a.jpg"], "text": "…", "task_type": "…"}`.
 * `image` may be absent; its paths are relative to the file. Other keys are passed over, empty lines too. All
 * lines are read and checked here; pictures are decoded when their row is asked for.
 *
 * @throws DataError naming every line that is no such row, misses a picture file, or has other than one
 *   `<image>` mark a picture (the released code takes another row instead and says nothing)
 */
export async function jsonlSource(path: string, options: JsonlOptions = {}): Promise<JsonlSource> {
  const { content = "conversation", cacheBytes = 256 * 2 ** 20 } = options;
  const problems: string[] = [];
  const found: Row[] = [];
  for (const [i, line] of (await readText(path)).split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const row = parseRow(line, i + 1, parentDirectory(path));
    const bad = typeof row === "string" ? [row] : await rowProblems(row, content);
    problems.push(...bad.map((problem) => `line ${i + 1}: ${problem}`));
    if (typeof row !== "string") found.push(row);
  }
  if (found.length === 0 && problems.length === 0) problems.push("the file has no rows");
  requireNone(path, problems);
  const decode = cachedDecoder(cacheBytes);
  return {
    length: found.length,
    example: (index) => readExample(path, found[index], decode),
    textOf: (index) => found[index].text,
    nameOf: (index) => `${path}:${found[index].line}`,
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
  const { text, image = [], video }: { text?: unknown; image?: unknown; video?: unknown } = value;
  if (typeof text !== "string" || text === "") return '"text" must be a text that is not empty';
  if (!Array.isArray(image) || !image.every((name) => typeof name === "string")) {
    return '"image" must be a list of file names';
  }
  if (Array.isArray(video) ? video.length > 0 : video !== undefined && video !== null) {
    return '"video" rows cannot be trained on; give its frames as pictures';
  }
  const images = image.map((name) => (/^([a-z]:)?[\\/]/i.test(name) ? name : joinPath(directory, name)));
  return { line: number, text, images };
}

async function rowProblems(row: Row, content: JsonlOptions["content"]): Promise<string[]> {
  const problems: string[] = [];
  const marks = row.text.split("<image>").length - 1;
  const pictures = row.images.length;
  if (content === "text" && pictures > 0) problems.push(`plain text has no pictures, got ${pictures}`);
  if (content === "caption" && (pictures !== 1 || marks > 0)) {
    problems.push(`a caption has one picture and no <image> mark, got ${pictures} and ${marks}`);
  }
  if (content === "conversation" && marks !== pictures) {
    problems.push(`needs one <image> mark a picture, got ${marks} for ${pictures}`);
  }
  for (const image of row.images) {
    const kind = await pathKind(image);
    if (kind !== "file")
      problems.push(`picture ${image}: ${kind === "missing" ? "no such file" : "a directory"}`);
  }
  return problems;
}

async function readExample(
  path: string,
  row: Row,
  decode: (path: string) => Promise<RgbImage>,
): Promise<Example> {
  try {
    return { text: row.text, images: await Promise.all(row.images.map(decode)) };
  } catch (error) {
    throw new DataError(`${path}:${row.line}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Decodes picture files, keeping those used last up to a number of bytes. */
function cachedDecoder(limit: number): (path: string) => Promise<RgbImage> {
  const kept = new Map<string, RgbImage>();
  let bytes = 0;
  return async (path) => {
    const image = kept.get(path) ?? (await decodeImage(path));
    if (kept.delete(path)) bytes -= image.data.byteLength;
    kept.set(path, image);
    bytes += image.data.byteLength;
    for (const [oldest, dropped] of kept) {
      if (bytes <= limit) break;
      kept.delete(oldest);
      bytes -= dropped.data.byteLength;
    }
    return image;
  };
}
