import { FileError } from "./file-error.ts";

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

const LFS = /^version https:\/\/git-lfs\.github\.com\/spec\/[^\n]*\n(?:[^\n]*\n)*?size (\d+)/;
const FETCH = "Fetch it again, for example by `owl pull org/name`.";

/** What people have in place of the file they mean, and what to do. */
export interface MistakenContent {
  /** Follows "got". */
  readonly is: string;
  /** The next step, a sentence. */
  readonly next: string;
}

/** Bytes from the beginning that {@link mistakenContent} wants to see. */
export const MISTAKEN_HEAD = 512;

/**
 * What a file that could not be read as what its name says really is: a git-lfs pointer, a web page saved in its place,
 * empty, zeros of a download that did not end, something compressed. Undefined where it is none of these.
 *
 * @param head its first bytes, at most {@link MISTAKEN_HEAD}
 */
export function mistakenContent(head: Uint8Array): MistakenContent | undefined {
  if (head.length === 0) return { is: "an empty file", next: FETCH };
  const text = new TextDecoder("latin1").decode(head);
  const pointer = LFS.exec(text);
  if (pointer !== null) {
    return {
      is: `a git-lfs pointer to a file of ${pointer[1]} bytes, not the file itself`,
      next: "Fetch the file by `git lfs pull` in the clone, or by `owl pull org/name`.",
    };
  }
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|\?xml)/i.test(text)) {
    return { is: "a web page saved in place of the file", next: FETCH };
  }
  if (
    /^(?:Access to |Entry not found|Repository not found|Invalid (?:username|credentials)|\{"error":)/.test(
      text,
    )
  ) {
    const said = text.split("\n")[0].slice(0, 80);
    return { is: `the hub's refusal in place of the file (${JSON.stringify(said)})`, next: FETCH };
  }
  if (head.every((byte) => byte === 0)) {
    return { is: "nothing but zeros (a download that did not end?)", next: FETCH };
  }
  const packed = compressed.find(([start]) => start.every((byte, i) => head[i] === byte))?.[1];
  return packed === undefined
    ? undefined
    : { is: `a file compressed by ${packed}`, next: "Unpack it first." };
}

const compressed: readonly (readonly [readonly number[], string])[] = [
  [[0x1f, 0x8b], "gzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz"],
  [[0x42, 0x5a, 0x68], "bzip2"],
];

/**
 * JSON in bytes; see {@link decodeText}.
 *
 * @throws FileError that says what is wrong, or what the file is instead
 */
export function decodeJson(bytes: Uint8Array, where: string): unknown {
  const mistaken = mistakenContent(bytes.subarray(0, MISTAKEN_HEAD));
  if (mistaken !== undefined) {
    throw new FileError(`${where}: must be valid JSON, got ${mistaken.is}. ${mistaken.next}`);
  }
  const text = decodeText(bytes, where);
  try {
    return JSON.parse(text);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new FileError(`${where}: must be valid JSON, got ${got}`, { cause: error });
  }
}
