import { checkImage, checkVideo } from "../image/index.ts";
import { foundPath, nearHint, newDigest, pathKind } from "../platform/index.ts";
import { DataError } from "./example.ts";
import type { Picture } from "./picture.ts";
import type { Row } from "./row.ts";

export interface FileCheckOptions {
  /**
   * How pictures are checked when their rows are read: `"headers"` (default) reads the beginnings of their files, which
   * tells whether they are there, are pictures and not too large; `"whole"` decodes them, which takes as long as an epoch.
   */
  readonly pictures?: "headers" | "whole" | undefined;
  /** How videos are decoded: so many frames of so many pixels a side. Absent: the model takes none. */
  readonly videos?: { readonly frames: number; readonly size: number } | undefined;
  /** Called with how many of the files have been checked. */
  readonly onFile?: ((done: number, all: number) => void) | undefined;
}

export interface LineProblem {
  readonly line: number;
  /** What errors call the row in place of its number. */
  readonly label?: string | undefined;
  readonly problem: string;
}

/** Files that are read at the same time. */
const concurrency = 8;

/** Checks every picture and video file that rows name, each once; `digest` changes when one of them does. */
export async function checkMediaFiles(
  rows: readonly Row[],
  { pictures = "headers", videos, onFile }: FileCheckOptions,
): Promise<{ readonly problems: LineProblem[]; readonly digest: string }> {
  const whole = pictures === "whole";
  const files = mediaFilesOf(rows);
  const problems: LineProblem[] = [];
  const fingerprints = new Map<MediaFile, string>();
  const check = async ({ path, isVideo }: MediaFile): Promise<string> => {
    if (typeof path !== "string") return checkImage(path, { whole });
    const kind = await pathKind(await foundPath(path));
    if (kind !== "file") {
      const what = kind === "missing" ? `no such file${await nearHint(path)}` : "a directory";
      throw new DataError(`${path}: ${what}`);
    }
    return isVideo ? checkVideo(path, whole ? videos : undefined) : checkImage(path, { whole });
  };
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < files.length) {
      const file = files[next++];
      try {
        fingerprints.set(file, await check(file));
      } catch (error) {
        const problem = `${file.isVideo ? "video" : "picture"} ${messageOf(error)}`;
        problems.push(...file.rows.map(({ line, label }) => ({ line, label, problem })));
      }
      onFile?.(++done, files.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, files.length) }, work));
  return { problems, digest: digestOf(files.map((file) => fingerprints.get(file) ?? "")) };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface MediaFile {
  readonly path: Picture;
  readonly isVideo: boolean;
  /** The rows that name it. */
  readonly rows: Row[];
}

function mediaFilesOf(rows: readonly Row[]): MediaFile[] {
  const files = new Map<string, MediaFile>();
  const add = (path: Picture, isVideo: boolean, row: Row): void => {
    const key = `${isVideo} ${typeof path === "string" ? path : `in ${path.name}`}`;
    const known = files.get(key) ?? { path, isVideo, rows: [] };
    files.set(key, known);
    if (known.rows.at(-1) !== row) known.rows.push(row);
  };
  for (const row of rows) {
    for (const path of row.images) add(path, false, row);
    for (const path of row.videos) add(path, true, row);
  }
  return [...files.values()];
}

/** A checksum of texts, in their order. */
function digestOf(texts: readonly string[]): string {
  const digest = newDigest("sha256");
  const encoder = new TextEncoder();
  for (const text of texts) digest.update(encoder.encode(`${text}\n`));
  return digest.hex();
}
