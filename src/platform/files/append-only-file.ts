import * as fs from "node:fs/promises";
import { dirname } from "node:path";
import { FileError, orFileError } from "./file-error.ts";
import { makeDirectory } from "./files.ts";
import { isFileAt } from "./same-file.ts";
import { syncDirectory } from "./sync-directory.ts";

/** A file that is only ever appended to, or cut at its end. */
export interface AppendOnlyFile {
  readonly path: string;
  /** Its length in bytes. */
  readonly size: number;
  /** Appends all bytes or, where the disk is full, none. */
  append(bytes: Uint8Array): Promise<void>;
  /** Whether it is still the one at its path: it may have been removed, renamed or replaced. */
  isInPlace(): Promise<boolean>;
  /**
   * For logs, whose lines nobody would find elsewhere.
   *
   * @throws FileError where the file is no longer the one at its path: it was removed, renamed or replaced
   */
  requireInPlace(): Promise<void>;
  /** Returns when what was appended has reached the disk. */
  flush(): Promise<void>;
  /** Removes everything after the first `size` bytes. */
  truncate(size: number): Promise<void>;
  /** Removes everything. */
  clear(): Promise<void>;
  /** Its bytes from the beginning, in chunks that are valid until the next one is asked for. */
  contents(): AsyncIterable<Uint8Array>;
  /** Returns when the bytes have reached the disk. */
  close(): Promise<void>;
}

const MUST = "must be a file that can be written";
const PIECE = 4 * 1024 * 1024;

/** Opens a file for appending; it and the directories above it are created where they are missing. */
export async function openAppendOnlyFile(path: string): Promise<AppendOnlyFile> {
  await makeDirectory(dirname(path));
  return orFileError(path, MUST, async () => {
    const handle = await fs.open(path, "a+");
    await syncDirectory(dirname(path));
    return new OpenedFile(path, handle, (await handle.stat()).size);
  });
}

class OpenedFile implements AppendOnlyFile {
  readonly path: string;
  size: number;
  readonly #handle: fs.FileHandle;

  constructor(path: string, handle: fs.FileHandle, size: number) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    const before = this.size;
    let done = 0;
    try {
      while (done < bytes.byteLength) {
        const { bytesWritten } = await orFileError(this.path, MUST, () => this.#handle.write(bytes, done));
        done += bytesWritten;
        this.size += bytesWritten;
      }
    } catch (error) {
      await this.#handle.truncate(before).then(() => {
        this.size = before;
      });
      throw error;
    }
  }

  isInPlace(): Promise<boolean> {
    return orFileError(this.path, MUST, () => isFileAt(this.#handle, this.path));
  }

  async requireInPlace(): Promise<void> {
    if (await this.isInPlace()) return;
    throw new FileError(
      `${this.path}: must stay where it is while it is written to, got removed, renamed or replaced; keep its directory in place`,
    );
  }

  async flush(): Promise<void> {
    await orFileError(this.path, MUST, () => this.#handle.datasync());
  }

  async truncate(size: number): Promise<void> {
    await orFileError(this.path, MUST, () => this.#handle.truncate(size));
    this.size = size;
  }

  async clear(): Promise<void> {
    await this.truncate(0);
  }

  async *contents(): AsyncGenerator<Uint8Array> {
    const piece = new Uint8Array(PIECE);
    let position = 0;
    while (position < this.size) {
      const { bytesRead } = await orFileError(this.path, "must be a readable file", () =>
        this.#handle.read(piece, 0, PIECE, position),
      );
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
      position += bytesRead;
    }
  }

  async close(): Promise<void> {
    await orFileError(this.path, MUST, async () => {
      try {
        await this.#handle.datasync();
      } finally {
        await this.#handle.close();
      }
    });
  }
}
