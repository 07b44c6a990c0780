import type { DataFormat, RowReader, StoredRow } from "../data-format.ts";
import { DataError } from "../example.ts";
import type { ReadSettings } from "../read-settings.ts";
import type { RecordValue } from "../record.ts";
import { recordParser, recordsAt, type StorageName, storageAt } from "../storages/storages.ts";
import { alpaca } from "./alpaca.ts";
import { baize } from "./baize.ts";
import { conversations } from "./conversations.ts";
import { finevision } from "./finevision.ts";
import { messages } from "./messages.ts";
import { preference } from "./preference.ts";
import {
  fieldsOf,
  keysOf,
  keysShown,
  missingColumns,
  type RecordFormat,
  requireKnownColumns,
  rowOfRecord,
} from "./record-format.ts";
import { table } from "./table.ts";

/** Formats whose rows are records of keys, whatever the file: JSON, tables, Parquet, the JSON members of archives. */
export const recordFormats = {
  // First, since these rows have the keys of others too.
  preference,
  llava: conversations,
  messages,
  alpaca,
  baize,
  finevision,
  table,
} as const;
export type RecordFormatName = keyof typeof recordFormats;

/** The names of the formats that a record may be of, in the order in which they are tried: the last one takes what others have. */
const names = Object.keys(recordFormats) as RecordFormatName[];

/** The format of a record by its keys; undefined where it is of none. */
export function formatOfRecord(
  record: RecordValue,
  { columns }: ReadSettings = {},
): RecordFormatName | undefined {
  const named = Object.keys(columns ?? {});
  const recognised = names.find((name) => {
    const format: RecordFormat = recordFormats[name];
    if (named.some((field) => !Object.hasOwn(format.fields, field))) return false;
    const { keys, problems } = keysOf(format, record, columns);
    return format.recognises(fieldsOf(format, record, keys)) || (name === "table" && problems.length > 0);
  });
  return (
    recognised ??
    names.find((name) => recordFormats[name].signature.every((key) => Object.hasOwn(record, key)))
  );
}

/** The rows of a file whose records are of one format. */
export async function* readRecordRows(
  path: string,
  format: RecordFormat,
  settings: ReadSettings,
): AsyncGenerator<StoredRow> {
  requireKnownColumns(path, format, settings);
  for await (const found of recordsAt(path, settings)) {
    const { line, label, stored, unit, place, group } = found;
    yield { line, label, stored, unit, place, group, row: rowOfRecord(format, found, { path, settings }) };
  }
}

/** What reads single rows of such a file again. */
async function recordReader(
  path: string,
  format: RecordFormat,
  settings: ReadSettings,
): Promise<RowReader | undefined> {
  const parse = await recordParser(path, settings);
  if (parse === undefined) return undefined;
  return async (line, text) => {
    const value = parse(await text());
    const again = async (): Promise<RecordValue> => {
      const found = parse(await text());
      if (typeof found === "string") throw new DataError(`${path}:${line}: ${found}`);
      return found;
    };
    return rowOfRecord(format, { line, unit: "line", stored: "", value, again }, { path, settings });
  };
}

/** A format of records as the table of formats has it. */
export function recordDataFormat(
  format: RecordFormat,
  { example, about }: Pick<DataFormat, "example" | "about">,
): DataFormat {
  return {
    unit: "row",
    example,
    about,
    read: (path, settings = {}) => readRecordRows(path, format, settings),
    reader: (path, settings = {}) => recordReader(path, format, settings),
  };
}

/** A way to store records as the table of formats has it: what they say is recognised. */
export function storedDataFormat(
  storage: StorageName,
  { unit, example, about }: Pick<DataFormat, "unit" | "example" | "about">,
): DataFormat {
  async function* read(path: string, settings: ReadSettings = {}): AsyncGenerator<StoredRow> {
    const found = await storageAt(path);
    if (found !== storage)
      throw new DataError(`${path}: must be of the format ${storage}, got ${found}; leave out \`format\``);
    const name = await formatOfRecords(path, settings);
    // Without a record of keys there is nothing but what is wrong with it.
    yield* readRecordRows(path, recordFormats[name ?? "table"], settings);
  }
  const reader = async (path: string, settings: ReadSettings = {}): Promise<RowReader | undefined> =>
    (await recordParser(path, settings)) === undefined
      ? undefined
      : recordReader(path, recordFormats[(await formatOfRecords(path, settings)) ?? "table"], settings);
  return { unit, example, about, read, reader };
}

const recordsTried = 20;

/** The format of a file's first records; undefined where none of them is a record of keys. */
export async function formatOfRecords(
  path: string,
  settings: ReadSettings,
): Promise<RecordFormatName | undefined> {
  const storage = await storageAt(path);
  const mayBeOwn = settings.columns === undefined && (storage === "lines" || storage === "list");
  let tried = 0;
  let first: { readonly value: RecordValue; readonly line: number } | undefined;
  const broken: string[] = [];
  for await (const { value, line } of recordsAt(path, settings)) {
    if (typeof value === "string") broken.push(`line ${line}: ${value}`);
    else {
      const recognised = formatOfRecord(value, settings);
      // Others have a text beside their own keys.
      const isOwn = mayBeOwn && recognised === "table" && isMplugOwl(value);
      const format = isOwn ? undefined : recognised;
      if (format !== undefined) return format;
      first ??= { value, line };
    }
    if (++tried === recordsTried) break;
  }
  // The reader of mPLUG-Owl's own format says best what is wrong with what was meant for it.
  if (tried === 0 && storage === "list") return "table";
  if (first === undefined || (mayBeOwn && "text" in first.value)) return undefined;
  const missing = missingColumns(first.value, settings);
  if (missing.length > 0) throw new DataError(`${path}: line ${first.line}: ${missing.join("; ")}`);
  throw unknownFormat(path, first, broken);
}

/** @param broken what is wrong with the lines that were tried besides */
function unknownFormat(
  path: string,
  { value, line }: { readonly value: RecordValue; readonly line: number },
  broken: readonly string[],
): DataError {
  const known = `must be of a format that is known by its keys, got ${keysShown(value)}. Name the format in the recipe (\`format: …\`), or which key is what: columns: { image: …, text: … } for captions, columns: { image: …, question: …, answer: … } for questions`;
  if (broken.length === 0) return new DataError(`${path}: ${known}`);
  return new DataError([`${path}: line ${line}: ${known}`, ...broken].join("\n  "));
}

/** Whether a record is of mPLUG-Owl's own format, well written or not. */
function isMplugOwl({ text, image, video }: RecordValue): boolean {
  if (typeof text !== "string") return false;
  const shown = [image, video].filter((value) => value !== undefined && value !== null);
  return shown.length === 0 || shown.some(Array.isArray) || /<image>|<\|video\|>|^(?:Human|AI): /m.test(text);
}
