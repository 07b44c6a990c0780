import type { BytePlace } from "./byte-place.ts";
import type { RowUnit } from "./example.ts";

/** A record by its keys or columns. */
export type RecordValue = Readonly<Record<string, unknown>>;

/** Records that are read together have the same. */
export interface ReadGroup {
  /** What all of them take in memory. */
  readonly bytes: number;
}

/** A record of a file, whatever its format: a line or item of JSON, a line of a table, a row of a Parquet file. */
export interface FoundRecord {
  /** Counted from 1. */
  readonly line: number;
  /** What errors call it in place of its number. */
  readonly label?: string | undefined;
  /** What its number counts. */
  readonly unit: RowUnit;
  /** What stands for it in the fingerprint of the file. */
  readonly stored: string;
  /** Where its text lies, if in one piece of the file; `stored` is that text. */
  readonly place?: BytePlace;
  /** What it is read together with, if the file is read by groups. */
  readonly group?: ReadGroup | undefined;
  /** The record, or what is wrong with it. */
  readonly value: RecordValue | string;
  /** Reads it again, so that what is large in it need not stay in memory. */
  readonly again: () => Promise<RecordValue>;
}

/** Whether a value has keys. */
export function isRecord(value: unknown): value is RecordValue {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Whether a key has no value: absent, null, or a text or list of nothing. */
export function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)
  );
}

/** For `JSON.stringify`: bytes by their number, and numbers of 64 bits. */
export const withoutBytes = (_: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === "bigint" ? Number(value) : value;
};

/** What stands for a record that is no text in the fingerprint of its file. */
export function storedText(record: RecordValue): string {
  return JSON.stringify(record, withoutBytes);
}

/** Keys of pictures and videos; others (`path`, `file_name`) often repeat what a picture is called. */
const mediaKey = /^(?:images?|imgs?|pictures?|photos?|image_paths?|videos?|video_paths?)$/i;

/**
 * Of keys that mean the media of one record those that hold others than the usual key does, and would be left out. Paths beside as
 * many embedded pictures are what these are called.
 */
export function otherMedia(record: RecordValue, usual: string, keys: readonly string[]): string[] {
  const own = listed(record[usual]);
  return keys.filter((key) => {
    if (key === usual || !mediaKey.test(key) || isEmpty(record[key])) return false;
    const others = listed(record[key]);
    const areNames = own.length === others.length && own.every(isEmbedded) && others.every(isPath);
    return !areNames && JSON.stringify(own, withBytes) !== JSON.stringify(others, withBytes);
  });
}

const listed = (value: unknown): unknown[] => [value].flat();

const longestPath = 4096;
const isPath = (value: unknown): boolean =>
  typeof value === "string" && value.length <= longestPath && !/^data:/i.test(value);

/** Whether a picture lies in the record itself. */
function isEmbedded(value: unknown): boolean {
  if (isRecord(value) && "bytes" in value) return !isEmpty(value.bytes);
  return !isEmpty(value) && !isPath(value) && !isRecordOfPath(value);
}

const isRecordOfPath = (value: unknown): boolean => isRecord(value) && "path" in value;

/** For `JSON.stringify`: bytes as they are. */
const withBytes = (key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? value.join() : withoutBytes(key, value);
