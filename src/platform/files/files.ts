import * as fs from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { shortened } from "../text/shortened.ts";
import { FileError, isMissing, orFileError, reasonOf } from "./file-error.ts";
import { foundPath, nearHint } from "./found-path.ts";
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

/** Makes a directory and those above it. */
export async function makeDirectory(path: string): Promise<void> {
  await orFileError(path, "must be a directory that can be made", () => fs.mkdir(path, { recursive: true }));
}

/**
 * Writes a file so that its path shows the old content or the whole new one, never a part: the bytes go to
 * `<path>.partial`, reach the disk, and are renamed.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  await makeDirectory(dirname(path));
  const partial = `${path}.partial`;
  await orFileError(path, "must be a file that can be written", async () => {
    try {
      await writeAndFlush(partial, content);
      await fs.rename(partial, path);
    } catch (error) {
      await fs.rm(partial, { force: true });
      throw error;
    }
  });
}

/** Bytes and where in a file they belong. */
export type FilePiece = readonly [position: number, bytes: Uint8Array];

/** As {@link writeFileAtomically}, from chunks that arrive one by one, at any positions. */
export async function writePiecesAtomically(path: string, pieces: AsyncIterable<FilePiece>): Promise<void> {
  await makeDirectory(dirname(path));
  const partial = `${path}.partial`;
  const attempt = <T>(action: () => Promise<T>): Promise<T> =>
    orFileError(path, "must be a file that can be written", action);
  const handle = await attempt(() => fs.open(partial, "w"));
  try {
    for await (const [position, bytes] of pieces) await attempt(() => writeFully(handle, bytes, position));
    await attempt(() => handle.datasync());
    await attempt(() => fs.rename(partial, path));
  } catch (error) {
    await fs.rm(partial, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function writeAndFlush(path: string, content: string | Uint8Array | Iterable<Uint8Array>) {
  const handle = await fs.open(path, "w");
  try {
    for (const part of partsOf(content)) await writeFully(handle, part);
    await handle.datasync();
  } finally {
    await handle.close();
  }
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

/**
 * Replaces a directory as a whole. `fill` writes the new content into the directory it is given
 * (`<directory>.partial`); when it has ended, that one becomes `<directory>.next`, the old one
 * `<directory>.previous`, and the new one takes its place. So at every moment `directory` or
 * `<directory>.next` is complete, and {@link completeDirectory} tells which.
 *
 * Entries of the old directory for which `keep` holds and that `fill` did not write are moved over.
 */
export async function replaceDirectory(
  directory: string,
  fill: (partial: string) => Promise<void>,
  keep: (name: string) => boolean,
): Promise<void> {
  const target = resolve(directory);
  if (!relative(target, process.cwd()).startsWith("..")) {
    throw new FileError(
      `${directory}: must be a directory that can be replaced, got the current one or one above it; name one below it`,
    );
  }
  await replaceResolved(target, fill, keep);
}

async function replaceResolved(
  directory: string,
  fill: (partial: string) => Promise<void>,
  keep: (name: string) => boolean,
): Promise<void> {
  await settleDirectory(directory, keep);
  const partial = `${directory}.partial`;
  await makeDirectory(partial);
  try {
    await fill(partial);
  } catch (error) {
    // On a full disk it would take the room that going on needs.
    await fs.rm(partial, { recursive: true, force: true });
    throw error;
  }
  await orFileError(directory, "must be a directory that can be replaced", async () => {
    await fs.rename(partial, `${directory}.next`);
    if ((await pathKind(directory)) !== "missing") await fs.rename(directory, `${directory}.previous`);
  });
  await settleDirectory(directory, keep);
}

/** Brings an interrupted {@link replaceDirectory} to its end, or takes back what was not complete. */
async function settleDirectory(directory: string, keep: (name: string) => boolean): Promise<void> {
  const next = `${directory}.next`;
  const previous = `${directory}.previous`;
  await orFileError(directory, "must be a directory that can be replaced", async () => {
    if ((await pathKind(directory)) === "missing" && (await pathKind(next)) === "directory") {
      await fs.rename(next, directory);
    }
    if ((await pathKind(previous)) === "directory") await moveKept(previous, directory, keep);
    for (const rest of [previous, next, `${directory}.partial`]) {
      await fs.rm(rest, { recursive: true, force: true });
    }
  });
}

async function moveKept(from: string, to: string, keep: (name: string) => boolean): Promise<void> {
  for (const name of await fs.readdir(from)) {
    const target = join(to, name);
    if (keep(name) && (await pathKind(target)) === "missing") await fs.rename(join(from, name), target);
  }
}

/**
 * The path under which a directory written by {@link replaceDirectory} is complete at this moment: itself, or
 * `<directory>.next` where the writer was killed between its two renames. Changes nothing.
 */
export async function completeDirectory(directory: string): Promise<string> {
  const kind = await pathKind(directory);
  if (kind === "directory") return directory;
  const next = `${resolve(directory)}.next`;
  if (kind === "missing" && (await pathKind(next)) === "directory") return next;
  throw new FileError(
    `${directory}: must be a directory, got ${kind === "file" ? "a file" : "no such directory"}`,
  );
}
