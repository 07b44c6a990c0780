import {
  decodeText,
  headBytes,
  type OpenFile,
  openFile,
  readBytes,
  unexpectedContent,
} from "../platform/index.ts";
import { DataError } from "./example.ts";

/** A line of a file of rows. */
export interface RowLine {
  /** Counted from 1. */
  readonly number: number;
  /** Where its bytes lie in the file. */
  readonly start: number;
  readonly length: number;
  /** Absent where its bytes are no UTF-8. */
  readonly text?: string;
  /** Where they stop being UTF-8: `byte 0xE9 in column 12`. */
  readonly invalidUtf8?: string;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** So much of a file is read at a time. */
export const chunkBytes = 2 ** 20;

/**
 * The lines of a file of rows that are not empty, read a part at a time. A byte order mark in front is dropped, and lines may end
 * as on any system.
 *
 * @throws DataError where the whole file is something else: compressed, in UTF-16, one JSON array
 */
export async function* readRowLines(path: string): AsyncGenerator<RowLine> {
  const file = await openFile(path);
  try {
    const head = new Uint8Array(Math.min(file.size, headBytes));
    await file.read(head, 0);
    const mistaken = head.length === 0 ? undefined : unexpectedContent(head);
    const got =
      mistaken === undefined ? await unsupportedShape(path, head) : `${mistaken.is}. ${mistaken.next}`;
    if (got !== undefined) throw new DataError(`${path}: must hold one training row a line, got ${got}`);
    let number = 0;
    for await (const { start, bytes } of cutIntoLines(file, markLength(head))) {
      number++;
      const at = { number, start, length: bytes.length };
      const text = utf8Text(bytes);
      if (text === undefined) yield { ...at, invalidUtf8: firstInvalid(bytes) };
      else if (text.trim() !== "") yield { ...at, text };
    }
  } finally {
    await file.close();
  }
}

/** The bytes that a byte order mark takes in front of a text. */
export function markLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** What a file is that is text, but not of one object a line. */
async function unsupportedShape(path: string, head: Uint8Array): Promise<string | undefined> {
  const isWide = head.subarray(0, 4).includes(0) || (head[0] >= 0xfe && head[1] >= 0xfe);
  if (isWide) return "text in UTF-16 or UTF-32, or no text at all; save it as UTF-8";
  const start = new TextDecoder("latin1").decode(head.subarray(markLength(head))).trimStart();
  if (start.startsWith("PAR1")) return "a Parquet file; say `format: parquet`";
  if (start.startsWith("PK\x03\x04")) return "a ZIP file. Unpack it first";
  if (!start.startsWith("[") && !/^\{\s*[\r\n]/.test(start)) return undefined;
  const whole = parsed(await readBytes(path));
  if (
    Array.isArray(whole) &&
    (start.startsWith("[\n") || whole.length !== 1 || typeof whole[0] === "object")
  ) {
    return "one JSON array; write each of its objects on a line of its own (jq -c '.[]')";
  }
  return start.startsWith("{") && whole !== undefined
    ? "one JSON object over several lines; write it on a single line (jq -c .)"
    : undefined;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes, ""));
  } catch {
    return undefined;
  }
}

/** A part of a file. */
export interface FilePart {
  /** Its first byte's place in the file. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** A carriage return is no part of a JSON text but between its signs, so it always ends a line. */
async function* cutIntoLines(file: OpenFile, from: number): AsyncGenerator<FilePart> {
  let kept = new Uint8Array(0);
  for await (const { start: place, bytes } of chunksOf(file, from)) {
    const window = joined(kept, bytes);
    const base = place - kept.length;
    const isLast = place + bytes.length === file.size;
    let start = 0;
    for (let at = Math.max(0, kept.length - 1); at < window.length; at++) {
      if (window[at] !== lineFeed && window[at] !== carriageReturn) continue;
      // A line feed that belongs to it may come with the next part.
      if (window[at] === carriageReturn && at + 1 === window.length && !isLast) break;
      yield { start: base + start, bytes: window.subarray(start, at) };
      if (window[at] === carriageReturn && window[at + 1] === lineFeed) at++;
      start = at + 1;
    }
    kept = window.slice(start);
  }
  if (kept.length > 0) yield { start: file.size - kept.length, bytes: kept };
}

/** A file part by part, from a place on. */
export async function* chunksOf(file: OpenFile, from: number): AsyncGenerator<FilePart> {
  for (let start = from; start < file.size; start += chunkBytes) {
    const bytes = new Uint8Array(Math.min(chunkBytes, file.size - start));
    await file.read(bytes, start);
    yield { start, bytes };
  }
}

export function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text; undefined where they are no UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The first byte that is no UTF-8, and what a reader of Latin-1 would have seen there. */
export function firstInvalid(line: Uint8Array): string {
  let [low, high] = [0, line.length];
  // A beginning that ends within a character is no UTF-8 either, so beginnings are decoded as if more would follow.
  const isFine = (length: number): boolean => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(line.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isFine(middle)) low = middle;
    else high = middle - 1;
  }
  // What began a longer character and did not go on as one is what is foreign.
  while (utf8Text(line.subarray(0, low)) === undefined) low--;
  const byte = line[low];
  const before = new TextDecoder("latin1").decode(line.subarray(Math.max(0, low - 12), low));
  const letter = new TextDecoder("latin1").decode(line.subarray(low, low + 1));
  return `byte 0x${byte.toString(16).toUpperCase()} behind ${JSON.stringify(before)} ("${letter}" in Latin-1?)`;
}
