import { readText } from "../platform/index.ts";
import { imageMark, videoMark, withLineFeeds } from "../prompt/index.ts";
import { DataError, requireNoProblems } from "./example.ts";
import { dataFormatOf, dataFormats, formatByExtension } from "./formats.ts";

/**
 * The texts of a file, for a tokenizer to learn from: of files of rows (`.jsonl` and the other
 * formats) the rows' `text` as training reads it, cut at the
 * marks of pictures and videos; of any other file its lines.
 *
 * @throws DataError naming every line that is no row, or a file without a text; FileError
 */
export async function textsOf(path: string): Promise<string[]> {
  // A `.json` file is no list of lines: it is read as rows, so that an error says what is wrong with it.
  const hasRows = formatByExtension(path) !== undefined || /\.json$/i.test(path);
  const texts = hasRows ? await textsOfRows(path) : withLineFeeds(await readText(path)).split("\n");
  const filled = texts.filter((text) => text.trim() !== "");
  if (filled.length > 0) return filled;
  throw new DataError(`${path}: must hold texts to learn a tokenizer from, got none`);
}

async function textsOfRows(path: string): Promise<string[]> {
  const problems: string[] = [];
  const texts: string[] = [];
  const format = dataFormats[dataFormatOf(path)];
  for await (const { line, row } of format.read(path)) {
    if ("text" in row) {
      const parts = withLineFeeds(row.text).split(imageMark);
      texts.push(...parts.flatMap((part) => part.split(videoMark)));
    } else problems.push(...row.map((problem) => `${format.unit} ${line}: ${problem}`));
  }
  requireNoProblems(path, problems, format.unit);
  return texts;
}
