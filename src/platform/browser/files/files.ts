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
