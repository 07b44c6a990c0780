import type { OpenFile } from "../../platform/index.ts";
import { DataError } from "../example.ts";

/** A file in a tar archive: a range of the archive's bytes. */
export interface TarMember {
  readonly name: string;
  readonly position: number;
  readonly size: number;
}

const blockBytes = 512;
const latin = new TextDecoder("latin1");
const utf8 = new TextDecoder();

/** So much of a name or of further headers is read. */
const longestHeader = 2 ** 20;

/**
 * The files of a tar archive (ustar, pax and GNU's long names), in order; their bytes are not read.
 *
 * @throws DataError where the archive is damaged or cut short
 */
export async function* tarMembers(file: OpenFile): AsyncGenerator<TarMember> {
  let further: Further = {};
  for (let at = 0; at + blockBytes <= file.size; ) {
    const block = await bytesAt(file, at, blockBytes);
    if (block.every((byte) => byte === 0)) return;
    const header = headerOf(block, file.path, at);
    const size = further.size ?? header.size;
    const position = at + blockBytes;
    if (position + size > file.size)
      throw new DataError(
        `${file.path}: must be a whole tar archive, got one that ends inside of ${header.name}`,
      );
    if (header.type === "x" || header.type === "L")
      further = {
        ...further,
        ...furtherOf(header.type, await bytesAt(file, position, Math.min(size, longestHeader))),
      };
    else if (header.type === "0" || header.type === "\0") {
      yield { name: further.name ?? header.name, position, size };
      further = {};
    } else if (header.type === "1" || header.type === "2")
      throw new DataError(
        `${file.path}: must hold files, got the link ${header.name}; pack the files themselves`,
      );
    else if (header.type !== "g") further = {};
    at = position + Math.ceil(size / blockBytes) * blockBytes;
  }
}

/** What stands in front of a file's own header about it. */
interface Further {
  readonly name?: string;
  readonly size?: number;
}

/** Whether bytes are the beginning of a tar archive. */
export function isTar(head: Uint8Array): boolean {
  return head.length >= blockBytes && checksumOf(head.subarray(0, blockBytes)) === numberIn(head, 148, 8);
}

export async function bytesAt(file: OpenFile, position: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  await file.read(bytes, position);
  return bytes;
}

function headerOf(
  block: Uint8Array,
  path: string,
  at: number,
): { readonly name: string; readonly size: number; readonly type: string } {
  if (checksumOf(block) !== numberIn(block, 148, 8))
    throw new DataError(`${path}: must be a tar archive, got something else at byte ${at}; is it damaged?`);
  const isUstar = textIn(block, 257, 5) === "ustar";
  const prefix = isUstar ? textIn(block, 345, 155) : "";
  const name = textIn(block, 0, 100);
  return {
    name: prefix === "" || textIn(block, 257, 8) === "ustar  " ? name : `${prefix}/${name}`,
    size: numberIn(block, 124, 12),
    type: latin.decode(block.subarray(156, 157)),
  };
}

/** The sum of a header's bytes, its own field as blanks. */
function checksumOf(block: Uint8Array): number {
  return block.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

function textIn(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return utf8.decode(end < 0 ? field : field.subarray(0, end));
}

/** A number in octal digits, or in bytes where the first one says so. */
function numberIn(block: Uint8Array, start: number, length: number): number {
  if (block[start] & 0x80) {
    return block.subarray(start + 1, start + length).reduce((sum, byte) => 256 * sum + byte, 0);
  }
  return (
    Number.parseInt(
      latin
        .decode(block.subarray(start, start + length))
        .replaceAll("\0", " ")
        .trim(),
      8,
    ) || 0
  );
}

/** `path` and `size` of a pax header (`27 path=…` a line, its length in bytes first), or GNU's long name. */
function furtherOf(type: "x" | "L", bytes: Uint8Array): Further {
  if (type === "L") return { name: textIn(bytes, 0, bytes.length) };
  let further: Further = {};
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const length = Number(latin.decode(bytes.subarray(at, blank)));
    if (blank < 0 || !(length > blank - at)) break;
    const [key, ...value] = utf8.decode(bytes.subarray(blank + 1, at + length - 1)).split("=");
    if (key === "path") further = { ...further, name: value.join("=") };
    if (key === "size") further = { ...further, size: Number(value.join("=")) };
    at += length;
  }
  return further;
}
