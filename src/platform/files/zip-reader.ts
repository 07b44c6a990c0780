import yauzl from "yauzl";
import type { OpenFile } from "./files.ts";

/** How yauzl reads an opened file: at positions, refusing what lies outside it. */
class ArchiveReader extends yauzl.RandomAccessReader {
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

/** The directory of a zip archive; nothing of its content is read. */
export function openArchive(file: OpenFile): Promise<yauzl.ZipFile> {
  const options = { autoClose: false, lazyEntries: true };
  return yauzl.fromRandomAccessReaderPromise(new ArchiveReader(file), file.size, options);
}
