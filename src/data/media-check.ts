import { checkImage, checkVideo } from "../image/index.ts";
import { foundPath, nearHint, newDigest, parentDirectory, pathKind } from "../platform/index.ts";
import { LruCache } from "../primitives/index.ts";
import { DataError } from "./example.ts";
import { NameSet } from "./name-set.ts";
import type { Picture } from "./picture.ts";
import type { Row } from "./row.ts";
import type { LineProblem } from "./row-problems.ts";

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

/** What the rows of a file show. */
export interface MediaTotals {
  readonly pictures: number;
  readonly videos: number;
  /** How many different files or stored pictures these are. */
  readonly files: number;
}

/** So many directories are remembered. */
const mostDirectories = 10_000;

/** Counts what rows show. */
export class MediaCounts implements MediaTotals {
  pictures = 0;
  videos = 0;
  /** Where they lie. */
  readonly directories = new Set<string>();
  readonly #names = new NameSet();

  get files(): number {
    return this.#names.size;
  }

  add(row: Row): void {
    this.pictures += row.images.length;
    this.videos += row.videos.length;
    for (const { key, path } of mediaOf(row)) {
      this.#names.add(key);
      if (typeof path === "string" && this.directories.size < mostDirectories)
        this.directories.add(parentDirectory(path));
    }
  }
}

/** Files that are read at the same time. */
const concurrency = 8;
/** Rows whose files are looked for together. */
const windowRows = 256;
/** Bad files that are remembered; one that is named again after so many others is read again. */
const badRemembered = 10_000;

/** Checks the picture and video files that rows name, each once. */
export class MediaCheck {
  readonly #options: FileCheckOptions;
  readonly #files: number;
  readonly #good = new NameSet();
  readonly #bad = new LruCache<string, string>({ limit: badRemembered, weightOf: () => 1 });
  readonly #digest = newDigest("sha256");
  #done = 0;

  /** @param files how many different files there are, for the progress */
  constructor(files: number, options: FileCheckOptions) {
    this.#files = files;
    this.#options = options;
  }

  /**
   * Checks all files of rows.
   *
   * @param onProblem told what is wrong, row by row in their order
   * @returns a checksum that changes when one of the files does
   */
  async check(
    rows: AsyncIterable<Row> | Iterable<Row>,
    onProblem: (problem: LineProblem) => void,
  ): Promise<string> {
    let window: Row[] = [];
    for await (const row of rows) {
      if (window.push(row) < windowRows) continue;
      await this.#checkWindow(window, onProblem);
      window = [];
    }
    await this.#checkWindow(window, onProblem);
    return this.#digest.hex();
  }

  async #checkWindow(rows: readonly Row[], onProblem: (problem: LineProblem) => void): Promise<void> {
    const problems = new Map<string, string>();
    const fresh = new Map<string, MediaFile>();
    for (const file of rows.flatMap(mediaOf)) {
      const known = this.#bad.get(file.key);
      if (known !== undefined) problems.set(file.key, known);
      else if (!this.#good.has(file.key)) fresh.set(file.key, file);
    }
    const files = [...fresh.values()];
    const fingerprints: string[] = files.map(() => "");
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < files.length) {
        const at = next++;
        const file = files[at];
        try {
          fingerprints[at] = await this.#checkFile(file);
          this.#good.add(file.key);
        } catch (error) {
          const problem = `${file.isVideo ? "video" : "picture"} ${messageOf(error)}`;
          problems.set(file.key, problem);
          this.#bad.set(file.key, problem);
        }
        this.#done = Math.min(this.#done + 1, this.#files);
        this.#options.onFile?.(this.#done, this.#files);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, files.length) }, work));
    const encoder = new TextEncoder();
    for (const fingerprint of fingerprints) this.#digest.update(encoder.encode(`${fingerprint}\n`));
    if (problems.size === 0) return;
    for (const row of rows) {
      const own = new Set(mediaOf(row).flatMap(({ key }) => problems.get(key) ?? []));
      for (const problem of own) onProblem({ line: row.line, label: row.label, problem });
    }
  }

  async #checkFile({ path, isVideo }: MediaFile): Promise<string> {
    const { pictures = "headers", videos } = this.#options;
    const whole = pictures === "whole";
    if (typeof path !== "string") return checkImage(path, { whole });
    const kind = await pathKind(await foundPath(path));
    if (kind !== "file") {
      const what = kind === "missing" ? `no such file${await nearHint(path)}` : "a directory";
      throw new DataError(`${path}: ${what}`);
    }
    return isVideo ? checkVideo(path, whole ? videos : undefined) : checkImage(path, { whole });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface MediaFile {
  readonly path: Picture;
  readonly isVideo: boolean;
  /** What tells it from others. */
  readonly key: string;
}

function mediaOf({ images, videos }: Row): MediaFile[] {
  const file = (path: Picture, isVideo: boolean): MediaFile => {
    const key = `${isVideo} ${typeof path === "string" ? path : `in ${path.name}`}`;
    return { path, isVideo, key };
  };
  return [...images.map((path) => file(path, false)), ...videos.map((path) => file(path, true))];
}
