import { checkImage, checkVideo } from "../image/index.ts";
import { foundPath, nearHint, newDigest, pathKind } from "../platform/index.ts";
import { DataError } from "./example.ts";
import type { Row } from "./row.ts";

export interface FileCheckOptions {
  /**
   * How pictures are looked at when their rows are read: `"headers"` (default) reads the beginnings of their files, which
   * tells whether they are there, are pictures and not too large; `"whole"` decodes them, which takes as long as an epoch.
   */
  readonly pictures?: "headers" | "whole" | undefined;
  /** How videos are decoded: so many frames of so many pixels a side. Absent: the model takes none. */
  readonly videos?: { readonly frames: number; readonly size: number } | undefined;
  /** Told now and then how many of the files have been looked at. */
  readonly onFile?: ((done: number, all: number) => void) | undefined;
}

export interface LineProblem {
  readonly line: number;
  readonly problem: string;
}

/** So many files are read at the same time. */
const atOnce = 8;

/** Looks at every picture and video that rows name, each once. */
export async function checkFiles(
  rows: readonly Row[],
  { pictures = "headers", videos, onFile }: FileCheckOptions,
): Promise<{ readonly problems: LineProblem[]; readonly digest: string }> {
  const whole = pictures === "whole";
  const places = placesOf(rows);
  const problems: LineProblem[] = [];
  const seen = new Map<Place, string>();
  const lookAt = async ({ path, isVideo }: Place): Promise<string> => {
    const kind = await pathKind(await foundPath(path));
    if (kind !== "file") {
      const what = kind === "missing" ? `no such file${await nearHint(path)}` : "a directory";
      throw new DataError(`${path}: ${what}`);
    }
    return isVideo ? checkVideo(path, whole ? videos : undefined) : checkImage(path, { whole });
  };
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < places.length) {
      const place = places[next++];
      try {
        seen.set(place, await lookAt(place));
      } catch (error) {
        const problem = `${place.isVideo ? "video" : "picture"} ${messageOf(error)}`;
        problems.push(...place.lines.map((line) => ({ line, problem })));
      }
      onFile?.(++done, places.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, places.length) }, work));
  return { problems, digest: digestOf(places.map((place) => seen.get(place) ?? "")) };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface Place {
  readonly path: string;
  readonly isVideo: boolean;
  /** Lines whose rows name it. */
  readonly lines: number[];
}

function placesOf(rows: readonly Row[]): Place[] {
  const places = new Map<string, Place>();
  const note = (path: string, isVideo: boolean, line: number): void => {
    const key = `${isVideo} ${path}`;
    const known = places.get(key) ?? { path, isVideo, lines: [] };
    places.set(key, known);
    if (known.lines.at(-1) !== line) known.lines.push(line);
  };
  for (const { images, videos, line } of rows) {
    for (const path of images) note(path, false, line);
    for (const path of videos) note(path, true, line);
  }
  return [...places.values()];
}

/** A checksum of texts, in their order. */
function digestOf(texts: readonly string[]): string {
  const digest = newDigest("sha256");
  const encoder = new TextEncoder();
  for (const text of texts) digest.update(encoder.encode(`${text}\n`));
  return digest.hex();
}
