import type { Entry, ZipFile } from "yauzl";
import { FileError, type OpenFile } from "./files.ts";

/** An entry of a zip archive: a range of the archive's bytes. */
export interface ZipEntry {
  readonly name: string;
  /** Where its bytes begin in the archive. */
  readonly position: number;
  readonly size: number;
  /** Why its bytes cannot be read: it is compressed, encrypted, shares bytes with another or is not whole. */
  readonly problem?: string | undefined;
}

/** More than any checkpoint has; each costs memory before anything is known about it. */
const MAX_ENTRIES = 100_000;

/**
 * The entries of a zip archive (zip64 too) as ranges of its bytes; nothing of their content is read. Only stored
 * entries can be, so no entry is larger than the archive and all of them together are not either.
 *
 * @throws FileError where the directory is damaged, holds more than 100,000 entries or two of one name
 */
export async function zipEntries(file: OpenFile): Promise<ZipEntry[]> {
  try {
    return await readEntries(file);
  } catch (error) {
    throw new FileError(`${file.path}: must be a whole zip archive, got ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An entry, and where its header begins. */
interface Found {
  readonly entry: ZipEntry;
  readonly header: number;
}

async function readEntries(file: OpenFile): Promise<ZipEntry[]> {
  const { openArchive } = await import("./zip-reader.ts");
  const archive = await openArchive(file);
  if (archive.entryCount > MAX_ENTRIES) {
    throw new Error(`${archive.entryCount} entries (at most ${MAX_ENTRIES} are read)`);
  }
  const found: Found[] = [];
  const names = new Set<string>();
  for await (const entry of archive.eachEntry()) {
    if (names.has(entry.fileName)) throw new Error(`two entries ${JSON.stringify(entry.fileName)}`);
    names.add(entry.fileName);
    found.push({ entry: await locate(archive, entry), header: entry.relativeOffsetOfLocalHeader });
  }
  return apart(found);
}

async function locate(archive: ZipFile, entry: Entry): Promise<ZipEntry> {
  const { fileName: name, uncompressedSize: size, compressionMethod } = entry;
  try {
    if (entry.isEncrypted()) throw new Error("encrypted");
    if (compressionMethod !== 0) throw new Error(`compressed (method ${compressionMethod})`);
    const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
    return { name, position: fileDataStart, size };
  } catch (error) {
    return { name, position: 0, size, problem: messageOf(error) };
  }
}

/** The entries, those that begin inside another one marked. */
function apart(found: readonly Found[]): ZipEntry[] {
  let before: ZipEntry | undefined;
  return found
    .toSorted((a, b) => a.header - b.header)
    .map(({ entry, header }) => {
      if (entry.problem !== undefined) return entry;
      const end = before ? before.position + before.size : 0;
      const overlaps = before && end > header;
      const shared = overlaps ? `bytes shared with ${JSON.stringify(before?.name)}` : undefined;
      if (entry.position + entry.size > end) before = entry;
      return { ...entry, problem: shared };
    });
}
