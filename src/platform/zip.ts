import yauzl from "yauzl";
import { FileError, type OpenFile } from "./files.ts";

/** An uncompressed entry of a zip archive: a range of the archive's bytes. */
export interface ZipEntry {
  readonly name: string;
  /** Where its bytes begin in the archive. */
  readonly position: number;
  readonly size: number;
}

/** More than any checkpoint has; each costs memory before anything is known about it. */
const MOST_ENTRIES = 100_000;

/** How yauzl reads an opened file: at positions, refusing what lies outside it. */
class FileReader extends yauzl.RandomAccessReader {
  readonly #file: OpenFile;

  constructor(file: OpenFile) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    if (position < 0 || position + length > this.#file.size) {
      done(new Error(`a record at byte ${position} of ${this.#file.size}`));
      return;
    }
    this.#file.read(buffer.subarray(offset, offset + length), position).then(
      () => done(null),
      (error) => done(error as Error),
    );
  }
}

/**
 * The entries of a zip archive (zip64 too) as ranges of its bytes; nothing of their content is read. Only stored
 * entries are taken, so no entry can be larger than the archive and all of them together cannot either.
 *
 * @throws FileError where the archive is damaged, holds more than 100,000 entries, an encrypted or compressed
 *   one, two of one name, or two that share bytes
 */
export async function zipEntries(file: OpenFile): Promise<ZipEntry[]> {
  try {
    return await readEntries(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FileError(`${file.path}: must be a whole zip archive, got ${reason}`, { cause: error });
  }
}

async function readEntries(file: OpenFile): Promise<ZipEntry[]> {
  const options = { autoClose: false, lazyEntries: true };
  const archive = await yauzl.fromRandomAccessReaderPromise(new FileReader(file), file.size, options);
  if (archive.entryCount > MOST_ENTRIES) {
    throw new Error(`${archive.entryCount} entries (at most ${MOST_ENTRIES} are read)`);
  }
  const ranges: { entry: ZipEntry; header: number }[] = [];
  const names = new Set<string>();
  for await (const found of archive.eachEntry()) {
    if (names.has(found.fileName)) throw new Error(`two entries ${JSON.stringify(found.fileName)}`);
    names.add(found.fileName);
    ranges.push({ entry: await storedEntry(archive, found), header: found.relativeOffsetOfLocalHeader });
  }
  requireApart(ranges);
  return ranges.map(({ entry }) => entry);
}

async function storedEntry(archive: yauzl.ZipFile, found: yauzl.Entry): Promise<ZipEntry> {
  const name = JSON.stringify(found.fileName);
  if (found.isEncrypted()) throw new Error(`${name} encrypted`);
  if (found.compressionMethod !== 0) {
    throw new Error(`${name} compressed (method ${found.compressionMethod}; only stored entries are read)`);
  }
  try {
    const { fileDataStart } = await archive.readLocalFileHeaderPromise(found, { minimal: true });
    return { name: found.fileName, position: fileDataStart, size: found.uncompressedSize };
  } catch (error) {
    throw new Error(`${name} with ${(error as Error).message}`, { cause: error });
  }
}

function requireApart(ranges: { entry: ZipEntry; header: number }[]): void {
  let before: ZipEntry | undefined;
  for (const { entry, header } of ranges.toSorted((a, b) => a.header - b.header)) {
    if (before && before.position + before.size > header) {
      throw new Error(`${JSON.stringify(entry.name)} overlapping ${JSON.stringify(before.name)}`);
    }
    before = entry;
  }
}
