import * as fs from "node:fs/promises";
import { constants } from "node:os";
import { dirname } from "node:path";
import { loadKoffi } from "../koffi.ts";
import { FileError, orFileError } from "./file-error.ts";
import { makeDirectory } from "./files.ts";
import { isFileAt } from "./same-file.ts";

/** An exclusive lock on a file. The system releases it when the process ends, however it ends. */
export interface FileLock {
  release(): Promise<void>;
}

const EXCLUSIVE_AT_ONCE = 2 | 4;
/** libuv's `UV_FS_O_EXLOCK`, which opens a file on Windows so that nobody else can. */
const WINDOWS_EXCLUSIVE = 0x10000000;

/**
 * Locks a file, which is created where it is missing; undefined where another process holds the lock. Except on
 * Windows this is `flock(2)`, which programs in other languages heed as well.
 */
export async function tryLock(path: string): Promise<FileLock | undefined> {
  const handle = await lockedFile(path);
  return handle && { release: () => handle.close() };
}

async function lockedFile(path: string): Promise<fs.FileHandle | undefined> {
  await makeDirectory(dirname(path));
  const handle = await orFileError(path, "must be a file that can be locked", () => openForLock(path));
  if (handle === undefined) return undefined;
  if (process.platform === "win32" || (await flock(handle, path))) return handle;
  await handle.close();
  return undefined;
}

/**
 * As {@link tryLock}, with a lock file: it is removed when the lock is released. One that a killed process has left behind
 * blocks nobody.
 */
export async function tryLockFile(path: string): Promise<FileLock | undefined> {
  for (;;) {
    const lock = await lockedFile(path);
    if (lock === undefined) return undefined;
    // The former holder may have removed the file between its opening and its locking here: then this lock is of no file.
    if (process.platform === "win32" || (await isFileAt(lock, path))) {
      return {
        release: async () => {
          // Windows does not let a locked file be removed; there it stays.
          await fs.rm(path, { force: true }).catch(() => undefined);
          await lock.close();
        },
      };
    }
    await lock.close();
  }
}

async function openForLock(path: string): Promise<fs.FileHandle | undefined> {
  if (process.platform !== "win32") return fs.open(path, "a");
  const { O_RDWR, O_CREAT } = fs.constants;
  try {
    return await fs.open(path, O_RDWR | O_CREAT | WINDOWS_EXCLUSIVE);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EBUSY") return undefined;
    throw error;
  }
}

let flockFunction: ((descriptor: number, operation: number) => number) | undefined;

async function flock(handle: fs.FileHandle, path: string): Promise<boolean> {
  const koffi = await loadKoffi();
  // The C library's functions are already in the process, under whatever file name the system keeps them.
  flockFunction ??= koffi.load(null).func("int flock(int, int)");
  if (flockFunction(handle.fd, EXCLUSIVE_AT_ONCE) === 0) return true;
  const code = koffi.errno();
  if (code === constants.errno.EWOULDBLOCK) return false;
  await handle.close();
  throw new FileError(
    `${path}: must lie on a file system that can lock files, got error ${code}; choose another directory`,
  );
}
