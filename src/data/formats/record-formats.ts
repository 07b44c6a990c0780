import { DataError } from "../example.ts";
import type { ReadSettings } from "../read-settings.ts";
import type { FoundRecord, RecordValue } from "../record.ts";
import { readHead, recordStorages, storageOf } from "../records.ts";
import type { DataFormat, StoredRow } from "../row-source.ts";
import { alpaca } from "./alpaca.ts";
import { baize } from "./baize.ts";
import { conversations } from "./conversations.ts";
import { finevision } from "./finevision.ts";
import { messages } from "./messages.ts";
import {
  fieldsOf,
  keysOf,
  keysShown,
  type RecordFormat,
  requireKnownColumns,
  rowOfRecord,
} from "./record-format.ts";
import { table } from "./table.ts";

/** Formats whose rows are records of keys, whatever the file: JSON, tables, Parquet, the JSON members of archives. */
export const recordFormats = { llava: conversations, messages, alpaca, baize, finevision, table } as const;
export type RecordFormatName = keyof typeof recordFormats;

/** The names of the formats that a record may be of, in the order in which they are tried: the last one takes what others have. */
const names = Object.keys(recordFormats) as RecordFormatName[];

/** The format of a record by its keys; undefined where it is of none. */
export function formatOfRecord(
  record: RecordValue,
  { columns }: ReadSettings = {},
): RecordFormatName | undefined {
  const named = Object.keys(columns ?? {});
  return names.find((name) => {
    const format: RecordFormat = recordFormats[name];
    if (named.some((field) => !Object.hasOwn(format.fields, field))) return false;
    const { keys, problems } = keysOf(format, record, columns);
    return format.recognises(fieldsOf(record, keys)) || (name === "table" && problems.length > 0);
  });
}

/** The rows of a file whose records are of one format. */
export async function* readRecordRows(
  path: string,
  format: RecordFormat,
  settings: ReadSettings,
): AsyncGenerator<StoredRow> {
  requireKnownColumns(path, format, settings);
  for await (const found of recordsOf(path, await readHead(path))) {
    const { line, stored, unit } = found;
    yield { line, stored, unit, row: rowOfRecord(format, found, { path, settings }) };
  }
}

const recordsOf = (path: string, head: Uint8Array): AsyncIterable<FoundRecord> =>
  recordStorages[storageOf(head)](path);

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
  };
}

const recordsTried = 20;

/** The format of a file's first records; undefined where none of them is a record of keys. */
export async function formatOfRecords(
  path: string,
  settings: ReadSettings,
): Promise<RecordFormatName | undefined> {
  let tried = 0;
  let first: RecordValue | undefined;
  for await (const { value } of recordsOf(path, await readHead(path))) {
    if (typeof value !== "string") {
      const isOwn = settings.columns === undefined && isMplugOwl(value);
      const format = isOwn ? undefined : formatOfRecord(value, settings);
      if (format !== undefined) return format;
      first ??= value;
    }
    if (++tried === recordsTried) break;
  }
  // The reader of mPLUG-Owl's own format says best what is wrong with what was meant for it.
  if (first === undefined || (settings.columns === undefined && "text" in first)) return undefined;
  throw new DataError(
    `${path}: must be of a format that is known by its keys, got ${keysShown(first)}. Name the format in the recipe (\`format: …\`), or which key is what: columns: { image: …, text: … } for captions, columns: { image: …, question: …, answer: … } for questions`,
  );
}

/** Whether a record is of mPLUG-Owl's own format, well written or not. */
function isMplugOwl({ text, image, video }: RecordValue): boolean {
  if (typeof text !== "string") return false;
  const shown = [image, video].filter((value) => value !== undefined && value !== null);
  return shown.length === 0 || shown.some(Array.isArray) || /<image>|<\|video\|>|^(?:Human|AI): /m.test(text);
}
