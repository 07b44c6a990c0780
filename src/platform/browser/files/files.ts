import { FileError } from "../../files/file-error.ts";
import type { OpenFile } from "../../files/files.ts";
import { decodeJson, decodeText } from "../../files/text.ts";
import { fileAt } from "./file-cache.ts";

async function present(path: string): Promise<Blob> {
  const blob = await fileAt(path);
  if (blob === undefined)
    throw new FileError(`${path}: must be a readable file, got no such file on the server`);
  return blob;
}

/** Fetches a file, or takes the kept one; it is read at positions. */
export async function openFile(path: string): Promise<OpenFile> {
  const blob = await present(path);
  return {
    path,
    size: blob.size,
    read: async (into, position) => {
      const end = position + into.byteLength;
      if (end > blob.size) throw new FileError(`${path}: must hold ${end} bytes, got ${blob.size}`);
      into.set(new Uint8Array(await bytesOf(blob.slice(position, end), path)));
    },
    close: async () => {},
  };
}

async function bytesOf(blob: Blob, path: string): Promise<ArrayBuffer> {
  return blob.arrayBuffer().catch((cause: unknown) => {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new FileError(`${path}: ${blob.size} bytes must be readable, got: ${got}`, { cause });
  });
}

/** A whole file as bytes. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await bytesOf(await present(path), path));
}

/** A buffer as of ECMAScript 2024. */
type TransferableBuffer = ArrayBuffer & { readonly transfer?: (length: number) => ArrayBuffer };

/** As TypeScript's library of workers declares it. */
declare const FileReaderSync: (new () => { readAsArrayBuffer(blob: Blob): TransferableBuffer }) | undefined;

/**
 * A whole file as bytes that are read where they are asked for: nothing but `byteLength` and `subarray(begin, end)` may be asked of
 * them, and what that gives holds until the next one is asked for. In a page, which cannot wait for a file as a worker can, they are
 * read at once.
 */
export async function readBytesLater(path: string): Promise<Uint8Array> {
  if (typeof FileReaderSync === "undefined") return readBytes(path);
  const blob = await present(path);
  const reader = new FileReaderSync();
  let before: TransferableBuffer | undefined;
  const subarray = (begin: number, end: number): Uint8Array => {
    // Its memory is given back now: the garbage collector lets hundreds of megabytes gather.
    before?.transfer?.(0);
    before = reader.readAsArrayBuffer(blob.slice(begin, end));
    return new Uint8Array(before);
  };
  return Object.defineProperties(new Uint8Array(0), {
    byteLength: { value: blob.size },
    subarray: { value: subarray },
  });
}

/** A whole file as UTF-8 text; see `decodeText`. */
export async function readText(path: string): Promise<string> {
  return decodeText(await readBytes(path), path);
}

/** A whole file as JSON; see `decodeJson`. */
export async function readJson(path: string): Promise<unknown> {
  return decodeJson(await readBytes(path), path);
}

/** Whether the server has a file; of a file of a model, it is fetched with that. */
export async function pathKind(path: string): Promise<"file" | "directory" | "missing"> {
  return (await fileAt(path)) === undefined ? "missing" : "file";
}
