import type { z } from "zod";
import {
  directoryEntries,
  fileName,
  foundPath,
  joinPath,
  parentDirectory,
  pathKind,
  readJson,
} from "../../platform/index.ts";
import { EvaluationError, requireNoProblems } from "../error.ts";
import { issueText } from "../jsonl-log.ts";

/** The directory of `data`, which may also be a file in it. */
export async function dataDirectory(data: string): Promise<string> {
  const place = await foundPath(data);
  const kind = await pathKind(place);
  if (kind === "missing")
    throw new EvaluationError(`${data}: must be a benchmark's directory or file, got nothing`);
  return kind === "file" ? parentDirectory(place) : place;
}

/**
 * The files of a benchmark's directory with a name that fits, sorted; `data` itself where it is a file.
 *
 * @param expected the names of the files, for the error where there are none
 * @throws EvaluationError that says what is there instead
 */
export async function dataFiles(data: string, pattern: RegExp, expected: string): Promise<string[]> {
  const directory = await dataDirectory(data);
  const place = await foundPath(data);
  if (directory !== place) return [place];
  const names = await directoryEntries(directory);
  // Answers of a run that was written into the same directory are no questions.
  const found = names
    .filter((name) => pattern.test(name) && !name.endsWith(".answers.jsonl"))
    .map((name) => joinPath(directory, name));
  if (found.length > 0) return found;
  const there = names.length === 0 ? "nothing" : names.slice(0, 10).join(", ");
  throw new EvaluationError(`${data}: must hold ${expected}, got ${there}`);
}

/** As {@link dataFiles} where there must be one only. */
export async function dataFile(data: string, pattern: RegExp, expected: string): Promise<string> {
  const files = await dataFiles(data, pattern, expected);
  if (files.length === 1) return files[0];
  const names = files.map(fileName).join(", ");
  throw new EvaluationError(
    `${data}: must hold one file ${expected}, got ${names}; give the one that is meant`,
  );
}

/**
 * A JSON file of a known form.
 *
 * @throws EvaluationError naming everything that is of another
 */
export async function readJsonAs<Content>(path: string, schema: z.ZodType<Content>): Promise<Content> {
  const parsed = schema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  requireNoProblems(path, "must be of the published form", parsed.error.issues.map(issueText));
  throw parsed.error;
}

/** The first of several folders in which a file lies; the first of all where it lies in none. */
export async function folderWith(file: string, folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    if ((await pathKind(await foundPath(joinPath(folder, file)))) === "file") return folder;
  }
  return folders[0];
}
