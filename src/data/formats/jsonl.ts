import { parentDirectory } from "../../platform/index.ts";
import type { DataFormat, RowReader, StoredRow } from "../data-format.ts";
import { DataError } from "../example.ts";
import type { ReadSettings } from "../read-settings.ts";
import { parseRow } from "../row.ts";
import { readRowLines } from "../row-lines.ts";
import { openRowSource, type RowSource, type RowSourceOptions } from "../row-source.ts";

async function* readJsonl(path: string, settings: ReadSettings = {}): AsyncGenerator<StoredRow> {
  const { images: directory = parentDirectory(path), columns, question } = settings;
  if (columns !== undefined || question !== undefined) {
    const key = columns === undefined ? "question" : "columns";
    throw new DataError(
      `${path}: ${key}: is for other formats, mPLUG-Owl's jsonl has no choice; leave it out`,
    );
  }
  for await (const line of readRowLines(path)) {
    const { number, text = "", start, length } = line;
    yield { line: number, stored: text, place: { start, length }, row: parseRow(line, directory) };
  }
}

async function jsonlReader(path: string, settings: ReadSettings = {}): Promise<RowReader> {
  const { images: directory = parentDirectory(path) } = settings;
  return async (number, text) => parseRow({ number, text: await text() }, directory);
}

/**
 * mPLUG-Owl's own format, one JSON object a line: `{"image": ["a.jpg"], "text": "…", "task_type": "…"}`. `image` may be
 * absent, and there may be `video`, a list too; paths are relative to the file. Other keys are passed over, empty lines too.
 */
export const jsonl: DataFormat = {
  unit: "line",
  about: "mPLUG-Owl's own: one object a line, `image` a list of files, `text` with the marks of the template",
  example: '{"image": ["cat.jpg"], "text": "Human: <image>\\nHuman: what is this?\\nAI: a cat"}',
  read: readJsonl,
  reader: jsonlReader,
};

/**
 * Opens a file in mPLUG-Owl's format whatever its name is; see `openRows`.
 *
 * @throws DataError naming every row that cannot be used
 */
export function jsonlSource(path: string, options: RowSourceOptions = {}): Promise<RowSource> {
  return openRowSource(path, jsonl, options);
}
