import { readText } from "../platform/index.ts";
import {
  imageMark,
  type RowText,
  textsOf as textsOfMessages,
  videoMark,
  withLineFeeds,
} from "../prompt/index.ts";
import type { DataFormat } from "./data-format.ts";
import { DataError } from "./example.ts";
import { dataFormats, recognisedFormat, rowFileEndings } from "./formats/formats.ts";
import { RowProblems } from "./row-problems.ts";

/**
 * The texts of a file, for a tokenizer to learn from: of files of rows (`.jsonl` and the other
 * formats) the rows' `text` as training reads it, cut at the
 * marks of pictures and videos; of any other file its lines.
 *
 * @throws DataError naming every line that is no row, or a file without a text; FileError
 */
export async function textsOf(path: string): Promise<string[]> {
  const name = path.toLowerCase();
  const hasRows = rowFileEndings.some((ending) => name.endsWith(ending));
  const texts = hasRows ? await textsOfRows(path) : withLineFeeds(await readText(path)).split("\n");
  const filled = texts.filter((text) => text.trim() !== "");
  if (filled.length > 0) return filled;
  throw new DataError(`${path}: must hold texts to learn a tokenizer from, got none`);
}

async function textsOfRows(path: string): Promise<string[]> {
  const texts: string[] = [];
  const format: DataFormat = dataFormats[await recognisedFormat(path)];
  const problems = new RowProblems(path, format.unit);
  for await (const { line, label, row, unit } of format.read(path)) {
    problems.unit = unit ?? problems.unit;
    if ("text" in row) texts.push(...wordsOf(row.text));
    else for (const problem of row) problems.add({ line, label, problem });
  }
  problems.require();
  return texts;
}

function wordsOf(text: RowText): string[] {
  if (typeof text !== "string") return textsOfMessages(text);
  return withLineFeeds(text)
    .split(imageMark)
    .flatMap((part) => part.split(videoMark));
}
