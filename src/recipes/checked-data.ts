import {
  type CheckedRows,
  type KnownRows,
  type RowIndex,
  type RowLengths,
  readCheckedFile,
  writeCheckedFile,
} from "../data/index.ts";
import { hyperOf, tokensPerImage } from "../model/index.ts";
import {
  changeTime,
  fileSize,
  joinPath,
  makeDirectory,
  newDigest,
  packagePath,
  parentDirectory,
  readJson,
  relativePath,
} from "../platform/index.ts";
import { framesPerVideo, type TextModel } from "./batches.ts";
import type { DataFile, RunPlan } from "./recipe-file.ts";
import { contentOfStage } from "./recipe-schema.ts";
import type { WritingFacts } from "./row-writing.ts";

/** What a run wants to know of its rows' texts. */
export interface TextFacts {
  /** Conversations that lose their oldest turns. */
  readonly shortened: number;
  /** Rows that lose their end. */
  readonly cut: number;
  readonly writing: WritingFacts;
}

/** What is known of the tokens of each row. */
export interface TextLengths {
  readonly lengths: RowLengths;
}

/** What a check leaves of a data file for the runs after it. */
export interface KnownFile extends KnownRows {
  readonly texts: TextFacts & TextLengths;
  readonly index: RowIndex;
}

interface StoredFacts extends KnownRows {
  /** What the file and the settings were. */
  readonly stamp: string;
  /** Whether pictures were decoded. */
  readonly isDecoded: boolean;
  readonly texts: TextFacts;
  /** Directories of pictures as seen from the file's own, and when they were last changed. */
  readonly directories: readonly (readonly [path: string, changed: number])[];
}

/** Everything on which it depends what a check finds in a file. */
export interface CheckSubject {
  readonly file: DataFile;
  readonly plan: RunPlan;
  readonly model: TextModel;
  readonly tokenizerFiles: Readonly<Record<string, Uint8Array>>;
}

/** Where the check of a recipe's file is kept: in the directory that the run writes to. */
export function checkPlace({ output }: RunPlan, kind: "data" | "evaluation", index: number): string {
  return joinPath(output, "checked", `${kind}-${index + 1}.rows`);
}

/** A check under way, to be kept if nothing changes before it ends. */
export class CheckKeeper {
  /** Where the check is kept. */
  readonly place: string;
  readonly #subject: CheckSubject;
  readonly #stamp: string;
  readonly #began: number;

  /** Must be called before the file is read. */
  static async begin(place: string, subject: CheckSubject): Promise<CheckKeeper> {
    // Made first: the run's directory may lie among pictures.
    await makeDirectory(parentDirectory(place));
    // The clock of files tells parts of a millisecond.
    const began = Date.now() + 1;
    return new CheckKeeper(place, subject, await stampOf(subject), began);
  }

  private constructor(place: string, subject: CheckSubject, stamp: string, began: number) {
    this.place = place;
    this.#subject = subject;
    this.#stamp = stamp;
    this.#began = began;
  }

  /** Keeps what was found. @returns false where the file or a directory of its pictures was changed meanwhile */
  async keep(
    { content, media, fingerprint, directories: paths }: CheckedRows,
    { shortened, cut, writing, lengths }: TextFacts & TextLengths,
    { index, isDecoded }: { readonly index: RowIndex; readonly isDecoded: boolean },
  ): Promise<boolean> {
    const own = parentDirectory(this.#subject.file.file);
    const directories: [string, number][] = [];
    for (const path of paths) {
      const changed = (await changeTime(path)) ?? Number.POSITIVE_INFINITY;
      if (changed > this.#began) return false;
      directories.push([relativePath(own, path), changed]);
    }
    if ((await stampOf(this.#subject)) !== this.#stamp) return false;
    const { rows, beginnings, withoutTurns, withTurns } = writing;
    const texts = { shortened, cut, writing: { rows, beginnings, withoutTurns, withTurns } };
    const facts: StoredFacts = {
      stamp: this.#stamp,
      isDecoded,
      content,
      media,
      fingerprint,
      texts,
      directories,
    };
    await writeCheckedFile(this.place, facts, { index, lengths });
    return true;
  }
}

/**
 * What an earlier check found in a file; undefined where there was none, or where since then the file, a directory of its
 * pictures, the model's tokenizer or a setting was changed.
 */
export async function keptCheck(
  place: string,
  subject: CheckSubject,
  { decoded }: { readonly decoded: boolean },
): Promise<KnownFile | undefined> {
  const read = await readCheckedFile(place);
  if (read === undefined) return undefined;
  const facts = read.facts as StoredFacts;
  if (facts.stamp !== (await stampOf(subject)) || (decoded && !facts.isDecoded)) return undefined;
  const own = parentDirectory(subject.file.file);
  for (const [path, changed] of facts.directories) {
    const place = joinPath(own, path);
    if ((await changeTime(place)) !== changed) return undefined;
  }
  const { content, media, fingerprint, texts } = facts;
  return { content, media, fingerprint, texts: { ...texts, lengths: read.lengths }, index: read.index };
}

/** A checksum of all that decides about what a check finds, but for the pictures. */
async function stampOf({ file, plan, model, tokenizerFiles }: CheckSubject): Promise<string> {
  const { file: path, weight: _, ...settings } = file;
  const { config, preprocessor } = model;
  const { cuts, grids, size } = preprocessor ?? {};
  const { version } = (await readJson(packagePath("package.json"))) as { readonly version: string };
  const digest = newDigest("sha256");
  const about = [
    version,
    await fileSize(path),
    await changeTime(path),
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    contentOfStage(plan.recipe.stage),
    plan.recipe.dpo !== undefined,
    plan.recipe.maxTokens,
    plan.system ?? null,
    config.textOnly ?? false,
    tokensPerImage(config),
    // How many tokens a picture takes.
    cuts || grids ? [cuts ?? grids, size, hyperOf(config)?.gate ?? null] : null,
    config.video || hyperOf(config) ? [framesPerVideo(plan), config.vision.imageSize] : null,
  ];
  digest.update(new TextEncoder().encode(JSON.stringify(about)));
  for (const name of Object.keys(tokenizerFiles).toSorted()) digest.update(tokenizerFiles[name]);
  return digest.hex();
}
