import { decodeText, headBytes, readBytes, unexpectedContent } from "../platform/index.ts";
import { DataError } from "./example.ts";

/** A line of a file of rows. */
export interface RowLine {
  /** Counted from 1. */
  readonly number: number;
  /** Absent where its bytes are no UTF-8. */
  readonly text?: string;
  /** Where they stop being UTF-8: `byte 0xE9 in column 12`. */
  readonly invalidUtf8?: string;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * The lines of a file of rows that are not empty. A byte order mark in front is dropped, and lines may end as on any system.
 *
 * @throws DataError where the whole file is something else: compressed, in UTF-16, one JSON array
 */
export async function readRowLines(path: string): Promise<RowLine[]> {
  const bytes = await readBytes(path);
  const mistaken = bytes.length === 0 ? undefined : unexpectedContent(bytes.subarray(0, headBytes));
  const got = mistaken === undefined ? unsupportedShape(bytes) : `${mistaken.is}. ${mistaken.next}`;
  if (got !== undefined) throw new DataError(`${path}: must hold one training row a line, got ${got}`);
  const lines: RowLine[] = [];
  let number = 0;
  for (const line of cutIntoLines(withoutByteOrderMark(bytes))) {
    number++;
    const text = textOf(line);
    if (text === undefined) lines.push({ number, invalidUtf8: firstInvalid(line) });
    else if (text.trim() !== "") lines.push({ number, text });
  }
  return lines;
}

function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** What a file is that is text, but not of one object a line. */
function unsupportedShape(bytes: Uint8Array): string | undefined {
  const isWide = bytes.subarray(0, 4).includes(0) || (bytes[0] >= 0xfe && bytes[1] >= 0xfe);
  if (isWide) return "text in UTF-16 or UTF-32, or no text at all; save it as UTF-8";
  const start = new TextDecoder("latin1")
    .decode(withoutByteOrderMark(bytes).subarray(0, headBytes))
    .trimStart();
  if (start.startsWith("PAR1")) return "a Parquet file; write its rows as JSON, one a line";
  if (start.startsWith("PK\x03\x04")) return "a ZIP file. Unpack it first";
  if (!start.startsWith("[") && !/^\{\s*[\r\n]/.test(start)) return undefined;
  const whole = parsed(bytes);
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

/** A carriage return is no part of a JSON text but between its signs, so it always ends a line. */
function* cutIntoLines(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== lineFeed && bytes[at] !== carriageReturn) continue;
    yield bytes.subarray(start, at);
    if (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed) at++;
    start = at + 1;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The first byte that is no UTF-8, and what a reader of Latin-1 would have seen there. */
function firstInvalid(line: Uint8Array): string {
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
  while (textOf(line.subarray(0, low)) === undefined) low--;
  const byte = line[low];
  const before = new TextDecoder("latin1").decode(line.subarray(Math.max(0, low - 12), low));
  const letter = new TextDecoder("latin1").decode(line.subarray(low, low + 1));
  return `byte 0x${byte.toString(16).toUpperCase()} behind ${JSON.stringify(before)} ("${letter}" in Latin-1?)`;
}
