import { FileError } from "./file-error.ts";
import { headBytes, unexpectedContent } from "./unexpected-content.ts";

/** How files begin that are text in another encoding. The longer ones first: UTF-32's mark begins as UTF-16's does. */
const otherEncodings: readonly (readonly [readonly number[], string])[] = [
  [[0xff, 0xfe, 0, 0], "UTF-32"],
  [[0, 0, 0xfe, 0xff], "UTF-32"],
  [[0xff, 0xfe], "UTF-16"],
  [[0xfe, 0xff], "UTF-16"],
  // JSON without a mark.
  [[0x7b, 0], "UTF-16"],
  [[0, 0x7b], "UTF-16"],
];

/**
 * Bytes as UTF-8 text. A byte order mark in front is dropped: editors put it there, and no format read here means it.
 *
 * @param where names the bytes in errors
 * @throws FileError for another encoding, with the line: no letter silently becomes U+FFFD
 */
export function decodeText(bytes: Uint8Array, where: string): string {
  const other = otherEncodings.find(([start]) => start.every((byte, i) => bytes[i] === byte))?.[1];
  const text = other === undefined ? utf8(bytes) : undefined;
  if (text !== undefined) return text;
  const got = other ?? `line ${firstForeignLine(bytes)} in another encoding (Latin-1?)`;
  throw new FileError(`${where}: must be UTF-8 text, got ${got}; save it as UTF-8`);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Counted from 1. */
function firstForeignLine(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    if (utf8(bytes.subarray(start, end)) === undefined) return line;
    start = end;
  }
  return line;
}

/**
 * JSON in bytes; see {@link decodeText}.
 *
 * @throws FileError that says what is wrong, or what the file is instead
 */
export function decodeJson(bytes: Uint8Array, where: string): unknown {
  const unexpected = unexpectedContent(bytes.subarray(0, headBytes));
  if (unexpected !== undefined) {
    throw new FileError(`${where}: must be valid JSON, got ${unexpected.is}. ${unexpected.next}`);
  }
  const text = decodeText(bytes, where);
  try {
    return JSON.parse(text);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new FileError(`${where}: must be valid JSON, got ${got}`, { cause: error });
  }
}
