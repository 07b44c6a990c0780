import { readText } from "../../platform/index.ts";
import type { FoundRecord, RecordValue } from "../record.ts";
import { readRowLines } from "../row-lines.ts";

/** Names that a first line has which is a header. */
const headings =
  /^(?:image|images|img|picture|photo|image_path|image_file|file_name|filename|filepath|path|url|text|caption|title|description|question|query|answer|answers|response|label|instruction|output)$/i;
const pictureFile = /\.(?:jpe?g|jfif|png|webp|gif|avif|tiff?|bmp|svg)$/i;

/**
 * Tables of a line a row. In a `.tsv` the cells are what stands between the tabs, quotation marks are letters; in a `.csv` they
 * quote. A first line of known names is a header; columns without one are called by their numbers, from 1 on.
 */
export function delimitedRecords(path: string): AsyncGenerator<FoundRecord> {
  return /\.csv$/i.test(path) ? commaRecords(path) : tabRecords(path);
}

async function* tabRecords(path: string): AsyncGenerator<FoundRecord> {
  let read: CellReader | undefined;
  for await (const { number, text, invalidUtf8, start, length } of readRowLines(path)) {
    if (text === undefined) {
      const problem = `must be UTF-8, got ${invalidUtf8}; save the file as UTF-8`;
      yield found(number, "line", "", problem);
      continue;
    }
    const cells = text.split("\t");
    if (read === undefined) {
      read = cellReader(cells);
      if (isHeader(cells)) continue;
    }
    yield { ...found(number, "line", text, read(cells)), place: { start, length } };
  }
}

async function* commaRecords(path: string): AsyncGenerator<FoundRecord> {
  const { default: Papa } = await import("papaparse");
  const { data, errors } = Papa.parse<string[]>(await readText(path), { skipEmptyLines: true });
  const wrong = new Map(
    errors.map(({ row, message }) => [row ?? 0, `must be a row of a table, got ${message}`]),
  );
  if (data.length === 0) return;
  const read = cellReader(data[0]);
  for (const [i, cells] of data.entries()) {
    if (i === 0 && isHeader(cells)) continue;
    yield found(i + 1, "row", JSON.stringify(cells), wrong.get(i) ?? read(cells));
  }
}

function found(line: number, unit: "line" | "row", stored: string, value: RecordValue | string): FoundRecord {
  return { line, unit, stored, value, again: async () => (typeof value === "string" ? {} : value) };
}

/** What reads a line of a `.tsv` file by itself. */
export async function tabParser(path: string): Promise<(text: string) => RecordValue | string> {
  for await (const { text } of readRowLines(path)) {
    if (text === undefined) continue;
    const read = cellReader(text.split("\t"));
    return (line) => read(line.split("\t"));
  }
  return () => "must be a row of a table, got an empty file";
}

/** The first line of a `.tsv` file, where it names the columns. */
export async function headerOf(path: string): Promise<string | undefined> {
  for await (const { text } of readRowLines(path))
    return text !== undefined && isHeader(text.split("\t")) ? text : undefined;
  return undefined;
}

type CellReader = (cells: readonly string[]) => RecordValue | string;

const isHeader = (cells: readonly string[]): boolean =>
  cells.some((cell) => headings.test(cell.trim())) && cells.every((cell) => cell.length <= 60);

/** @param first the first line: a header, or a row like all others */
function cellReader(first: readonly string[]): CellReader {
  const names = isHeader(first) ? first.map((cell) => cell.trim()) : first.map((_, i) => String(i + 1));
  const [picture, ...others] = first.flatMap((cell, i) => (pictureFile.test(cell.trim()) ? [i] : []));
  // Of two columns one of which names pictures the other is their text.
  const isPair = !isHeader(first) && first.length === 2 && picture !== undefined && others.length === 0;
  return (cells) => {
    if (cells.length !== names.length) return `must have ${names.length} columns, got ${cells.length}`;
    const value = Object.fromEntries(names.map((name, i) => [name, cells[i].trim()]));
    return isPair ? { ...value, image: cells[picture].trim(), text: cells[1 - picture].trim() } : value;
  };
}
