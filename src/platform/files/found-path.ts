import * as fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { nearestName } from "../text/nearest-name.ts";
import { isMissing } from "./file-error.ts";

/**
 * The path of an existing file whose name differs from `path` at most in Unicode normalisation (macOS decomposes accents)
 * or in the kinds of its blanks (in the names of its screenshots). A path that no file or several files match is returned
 * as it is.
 */
export async function foundPath(path: string): Promise<string> {
  return (await foundOrNot(path)) ?? path;
}

async function foundOrNot(path: string): Promise<string | undefined> {
  if (await isThere(path)) return path;
  const above = dirname(path);
  if (above === path) return undefined;
  const directory = await foundOrNot(above);
  if (directory === undefined) return undefined;
  const names = (await namesOf(directory)).get(readingOf(basename(path))) ?? [];
  return names.length === 1 ? join(directory, names[0]) : undefined;
}

/** A hint for the error about a missing file: `; did you mean …?` with the nearest name of its folder, or nothing. */
export async function nearHint(path: string): Promise<string> {
  const directory = await foundOrNot(dirname(path));
  if (directory === undefined) return "";
  const names = [...(await namesOf(directory)).values()].flat();
  const near = nearestName(basename(path), names.slice(0, maxCompared));
  return near === undefined ? "" : `; did you mean ${near}?`;
}

/** Names that are compared; in larger folders that would take too long. */
const maxCompared = 2000;

/** A name as a person reads it. */
function readingOf(name: string): string {
  return name.normalize("NFC").replace(/\p{Zs}/gu, " ");
}

async function isThere(path: string): Promise<boolean> {
  try {
    await fs.stat(path);
    return true;
  } catch (error) {
    // What else is wrong with it, opening it will say.
    return !isMissing(error);
  }
}

/** Names of a directory by how they read. */
type Names = ReadonlyMap<string, readonly string[]>;

/** The directory that was listed last: the rows of a data set may ask for thousands of files of one. */
let listed: { readonly directory: string; readonly changed: number; readonly names: Names } | undefined;

async function namesOf(directory: string): Promise<Names> {
  try {
    const { mtimeMs: changed } = await fs.stat(directory);
    if (listed?.directory === directory && listed.changed === changed) return listed.names;
    const names = new Map<string, string[]>();
    for (const name of (await fs.readdir(directory)).toSorted()) {
      const reading = readingOf(name);
      names.set(reading, [...(names.get(reading) ?? []), name]);
    }
    // What changed just now may change again within the clock's step.
    if (Date.now() - changed > 2000) listed = { directory, changed, names };
    return names;
  } catch {
    return new Map();
  }
}
