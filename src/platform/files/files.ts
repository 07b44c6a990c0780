import * as fs from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { shortened } from "../text/shortened.ts";
import { FileError, isMissing, orFileError, reasonOf } from "./file-error.ts";
import { foundPath, nearHint } from "./found-path.ts";
import { syncDirectory } from "./sync-directory.ts";
import { decodeJson, decodeText } from "./text.ts";

export { FileError } from "./file-error.ts";

/** A file opened for reading at positions. */
export interface OpenFile {
  readonly path: string;
  /** Length in bytes. */
  readonly size: number;
  /** Fills `into` with the bytes from `position` on. Throws where the file ends earlier. */
  read(into: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

// One read or write call moves at most 2 GiB on Linux.
const LARGEST_TRANSFER = 256 * 1024 * 1024;

/** Joins path segments in the system's way. */
export function joinPath(...segments: string[]): string {
  return join(...segments);
}

/** The last segment of a path. */
export function fileName(path: string): string {
  return basename(path);
}

/** The directory a path lies in. */
export function parentDirectory(path: string): string {
  return dirname(path);
}

/** Reads a file in some way, under the name that it has; where there is none, the error names the nearest. */
async function reading<T>(path: string, must: string, read: (path: string) => Promise<T>): Promise<T> {
  return orFileError(path, must, async () => {
    try {
      return await read(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
      const found = await foundPath(path);
      if (found !== path) return read(found);
      const message = `${path}: ${must}, got ${reasonOf(error)}${await nearHint(path)}`;
      throw new FileError(message, { cause: error });
    }
  });
}

/** Opens a file for reading at positions; the caller closes it. See {@link foundPath}. */
export async function openFile(path: string): Promise<OpenFile> {
  return reading(path, "must be a readable file", async (found) => {
    const handle = await fs.open(found, "r");
    const status = await handle.stat();
    if (status.isDirectory()) {
      await handle.close();
      throw new FileError(`${shortened(path)}: must be a readable file, got a directory`);
    }
    return {
      path,
      size: status.size,
      read: (into, position) => readFully(handle, path, into, position),
      close: () => handle.close(),
    };
  });
}

async function readFully(handle: fs.FileHandle, path: string, into: Uint8Array, position: number) {
  let done = 0;
  while (done < into.byteLength) {
    const length = Math.min(LARGEST_TRANSFER, into.byteLength - done);
    const { bytesRead } = await handle.read(into, done, length, position + done);
    if (bytesRead === 0) {
      throw new FileError(
        `${path}: must hold ${position + into.byteLength} bytes, got ${position + done} (was it cut short?)`,
      );
    }
    done += bytesRead;
  }
}

/** A whole file as bytes. */
export async function readBytes(path: string): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    const bytes = new Uint8Array(file.size);
    await file.read(bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

/** A whole file as UTF-8 text; see `decodeText`. */
export async function readText(path: string): Promise<string> {
  const bytes = await reading(path, "must be a readable text file", (found) => fs.readFile(found));
  return decodeText(bytes, path);
}

/** A whole file as JSON; see `decodeJson`. */
export async function readJson(path: string): Promise<unknown> {
  const bytes = await reading(path, "must be a readable text file", (found) => fs.readFile(found));
  return decodeJson(bytes, path);
}

/** What lies at a path. */
export async function pathKind(path: string): Promise<"file" | "directory" | "missing"> {
  try {
    return (await fs.stat(path)).isDirectory() ? "directory" : "file";
  } catch (error) {
    if (isMissing(error)) return "missing";
    throw new FileError(`${shortened(path)}: must be accessible, got ${reasonOf(error)}`, { cause: error });
  }
}

/** The names of what lies in a directory, sorted. */
export async function directoryEntries(path: string): Promise<string[]> {
  const names = await orFileError(path, "must be a readable directory", () => fs.readdir(path));
  return names.toSorted();
}

/** The path of a file behind all links to it. */
export async function realPath(path: string): Promise<string> {
  return orFileError(path, "must be a file that can be found", () => fs.realpath(path));
}

/** Makes a directory and those above it; they have reached the disk when this returns. */
export async function makeDirectory(path: string): Promise<void> {
  const kind = await pathKind(path);
  if (kind === "directory") return;
  const must = "must be a directory that can be made";
  if (kind === "file") throw new FileError(`${shortened(path)}: ${must}, got a file in its place`);
  const above = dirname(path);
  if (above !== path) await makeDirectory(above);
  await orFileError(path, must, async () => {
    // Another process may have made it meanwhile; Node's own recursion has the wrong reason on a read-only file system.
    await fs.mkdir(path).catch(async (error: unknown) => {
      if ((await pathKind(path)) !== "directory") throw error;
    });
    await syncDirectory(above);
  });
}

/**
 * Writes a file so that its path shows the old content or the whole new one, never a part: the bytes go to
 * `<path>.partial`, reach the disk, and are renamed. The new name has reached the disk when this returns.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  await writeThenRename(path, async (handle) => {
    for (const part of partsOf(content)) await attempt(path, () => writeFully(handle, part));
  });
}

/** Bytes and where in a file they belong. */
export type FilePiece = readonly [position: number, bytes: Uint8Array];

/** As {@link writeFileAtomically}, from chunks that arrive one by one, at any positions. */
export async function writePiecesAtomically(path: string, pieces: AsyncIterable<FilePiece>): Promise<void> {
  await writeThenRename(path, async (handle) => {
    for await (const [position, bytes] of pieces)
      await attempt(path, () => writeFully(handle, bytes, position));
  });
}

const attempt = <T>(path: string, action: () => Promise<T>): Promise<T> =>
  orFileError(path, "must be a file that can be written", action);

async function writeThenRename(path: string, write: (handle: fs.FileHandle) => Promise<void>): Promise<void> {
  await makeDirectory(dirname(path));
  const partial = `${path}.partial`;
  const handle = await attempt(path, () => fs.open(partial, "w"));
  try {
    try {
      await write(handle);
      await attempt(path, () => handle.datasync());
    } finally {
      await attempt(path, () => handle.close());
    }
    await attempt(path, () => fs.rename(partial, path));
  } catch (error) {
    // What stopped the writing is the news, also where it stops the removal too.
    await fs.rm(partial, { force: true }).catch(() => undefined);
    throw error;
  }
  await attempt(path, () => syncDirectory(dirname(path)));
}

function partsOf(content: string | Uint8Array | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

async function writeFully(handle: fs.FileHandle, bytes: Uint8Array, position?: number) {
  let done = 0;
  while (done < bytes.byteLength) {
    const length = Math.min(LARGEST_TRANSFER, bytes.byteLength - done);
    const at = position === undefined ? null : position + done;
    done += (await handle.write(bytes, done, length, at)).bytesWritten;
  }
}
