import { readText } from "../../platform/index.ts";
import type { ReadSettings } from "../read-settings.ts";
import type { FoundRecord, RecordValue } from "../record.ts";
import { readRowLines } from "../row-lines.ts";

/** Names that a first line has which is a header. */
const headings =
  /^(?:image|images|img|picture|photo|image_path|image_file|file_name|filename|filepath|path|url|text|caption|title|description|question|query|answer|answers|response|label|instruction|output)$/i;
const pictureFile = /\.(?:jpe?g|jfif|png|webp|gif|avif|tiff?|bmp|svg)$/i;

/**
 * Tables of a line a row. In a `.tsv` the cells are what stands between the tabs, quotation marks are letters; in a `.csv` they
 * quote. A first line is a header where it has known names or those of the recipe's `columns`; columns without one are called by
 * their numbers, from 1 on. Empty lines are passed over.
 */
export function delimitedRecords(path: string, settings: ReadSettings = {}): AsyncGenerator<FoundRecord> {
  return /\.csv$/i.test(path) ? commaRecords(path, settings) : tabRecords(path, settings);
}

async function* tabRecords(path: string, settings: ReadSettings): AsyncGenerator<FoundRecord> {
  let read: CellReader | undefined;
  for await (const { number, text, invalidUtf8, start, length } of readRowLines(path)) {
    if (text === undefined) {
      const problem = `must be UTF-8, got ${invalidUtf8}; save the file as UTF-8`;
      yield found(number, "line", "", problem);
      continue;
    }
    const cells = text.split("\t");
    if (read === undefined) {
      read = cellReader(cells, settings);
      if (isHeader(cells, settings)) continue;
    }
    yield { ...found(number, "line", text, read(cells)), place: { start, length } };
  }
}

async function* commaRecords(path: string, settings: ReadSettings): AsyncGenerator<FoundRecord> {
  const { default: Papa } = await import("papaparse");
  const text = await readText(path);
  // The separator is told by lines that hold something; errors are numbered among all lines, the empty ones too.
  const { delimiter } = Papa.parse<string[]>(text, { preview: 10, skipEmptyLines: true }).meta;
  const { data, errors } = Papa.parse<string[]>(text, { delimiter });
  const wrong = new Map<number, string>();
  for (const { row = 0, message } of errors)
    if (!wrong.has(row)) wrong.set(row, `must be a row of a table, got ${message}`);
  let read: CellReader | undefined;
  for (const [i, cells] of data.entries()) {
    const stored = JSON.stringify(cells);
    const problem = wrong.get(i);
    if (problem !== undefined) {
      yield found(i + 1, "row", stored, problem);
      continue;
    }
    if (cells.length === 1 && cells[0].trim() === "") continue;
    if (read === undefined) {
      read = cellReader(cells, settings);
      if (isHeader(cells, settings)) continue;
    }
    yield found(i + 1, "row", stored, read(cells));
  }
}

function found(line: number, unit: "line" | "row", stored: string, value: RecordValue | string): FoundRecord {
  return { line, unit, stored, value, again: async () => (typeof value === "string" ? {} : value) };
}

/** What reads a line of a `.tsv` file by itself. */
export async function tabParser(
  path: string,
  settings: ReadSettings = {},
): Promise<(text: string) => RecordValue | string> {
  for await (const { text } of readRowLines(path)) {
    if (text === undefined) continue;
    const read = cellReader(text.split("\t"), settings);
    return (line) => read(line.split("\t"));
  }
  return () => "must be a row of a table, got an empty file";
}

/** The first line of a `.tsv` file, where it names the columns. */
export async function headerOf(path: string, settings: ReadSettings = {}): Promise<string | undefined> {
  for await (const { text } of readRowLines(path))
    if (text !== undefined) return isHeader(text.split("\t"), settings) ? text : undefined;
  return undefined;
}

type CellReader = (cells: readonly string[]) => RecordValue | string;

/** Whether a first line names the columns: with a name that the recipe gives, if it is no number, or a known one. */
function isHeader(cells: readonly string[], { columns = {} }: ReadSettings): boolean {
  const names = cells.map((cell) => cell.trim());
  if (Object.values(columns).some((name) => !/^\d+$/.test(name) && names.includes(name))) return true;
  return names.some((name) => headings.test(name)) && cells.every((cell) => cell.length <= 60);
}

/** @param first the first line: a header, or a row like all others */
function cellReader(first: readonly string[], settings: ReadSettings): CellReader {
  const hasNames = isHeader(first, settings);
  const names = hasNames ? first.map((cell) => cell.trim()) : first.map((_, i) => String(i + 1));
  const [picture, ...others] = first.flatMap((cell, i) => (pictureFile.test(cell.trim()) ? [i] : []));
  // Of two columns one of which names pictures the other is their text.
  const isPair = !hasNames && first.length === 2 && picture !== undefined && others.length === 0;
  return (cells) => {
    if (cells.length !== names.length) return `must have ${names.length} columns, got ${cells.length}`;
    const value = recordOfCells(names, cells);
    if (!isPair || typeof value === "string") return value;
    return { ...value, image: cells[picture].trim(), text: cells[1 - picture].trim() };
  };
}

/** Cells by the names of their columns; of columns with one name the one that is filled. */
function recordOfCells(names: readonly string[], cells: readonly string[]): RecordValue | string {
  const value: Record<string, string> = {};
  for (const [i, name] of names.entries()) {
    const cell = cells[i].trim();
    const other = Object.hasOwn(value, name) ? value[name] : "";
    if (name !== "" && cell !== "" && other !== "" && cell !== other)
      return `must have one value for each name, got two columns ${name} that differ; give one of them another name`;
    value[name] = cell === "" ? other : cell;
  }
  return value;
}
