import { decodeImage, decodeVideo, type RgbImage } from "../image/index.ts";
import { newDigest, parentDirectory } from "../platform/index.ts";
import { LruCache } from "../primitives/index.ts";
import { DataError, type Example, requireNone } from "./example.ts";
import { checkMediaFiles, type LineProblem } from "./media-check.ts";
import { markProblems, parseRow, type Row } from "./row.ts";
import { readRowLines } from "./row-lines.ts";
import type { DataFormat, RowSource, RowSourceOptions } from "./row-source.ts";

/**
 * Rows in mPLUG-Owl's format, one JSON object a line: `{"image": ["a.jpg"], "text": "…", "task_type": "…"}`.
 * `image` may be absent, and there may be `video`, a list too; paths are relative to the file. Other keys are passed
 * over, empty lines too. All lines are read and checked here, and so is the beginning of every picture; pictures are decoded
 * when their row is asked for.
 *
 * @throws DataError naming every line that is no such row, misses a picture file, has other than one `<image>`
 *   mark a picture (the released code takes another row instead and says nothing), a video where the model
 *   takes none, or a picture that is none
 */
export async function jsonlSource(path: string, options: RowSourceOptions = {}): Promise<RowSource> {
  const { cacheBytes = 256 * 2 ** 20, content = "conversation", videos, rows: most, textProblems } = options;
  const problems: LineProblem[] = [];
  const found: Row[] = [];
  const directory = parentDirectory(path);
  const digest = newDigest("sha256");
  const encoder = new TextEncoder();
  for (const line of (await readRowLines(path)).slice(0, most)) {
    const row = parseRow(line, directory);
    if (!("line" in row)) problems.push(...row.map((problem) => ({ line: line.number, problem })));
    else {
      found.push(row);
      digest.update(encoder.encode(`${line.text}\n`));
      const own = [...markProblems(row, content, videos !== undefined), ...(textProblems?.(row) ?? [])];
      problems.push(...own.map((problem) => ({ line: line.number, problem })));
    }
  }
  const files = await checkMediaFiles(found, options);
  problems.push(...files.problems);
  if (found.length === 0 && problems.length === 0)
    problems.push({ line: 0, problem: `the file has no rows; one is written ${jsonl.example}` });
  requireNone(path, inOrder(path, problems));
  const decode = cachedDecoder(cacheBytes, videos);
  return {
    length: found.length,
    example: (index) => readExample(path, found[index], decode),
    textOf: (index) => found[index].text,
    nameOf: (index) => `${path}:${found[index].line}`,
    hasVideo: (index) => found[index].videos.length > 0,
    fingerprint: { rows: digest.hex(), files: files.digest },
  };
}

function inOrder(path: string, problems: readonly LineProblem[]): string[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line);
  return sorted.map(({ line, problem }) =>
    line === 0 || problem.startsWith(`${path}:`) ? problem : `line ${line}: ${problem}`,
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

/** mPLUG-Owl's own format. */
export const jsonl: DataFormat = {
  extensions: [".jsonl"],
  example: '{"image": ["cat.jpg"], "text": "Human: <image>\\nHuman: what is this?\\nAI: a cat"}',
  open: jsonlSource,
};
