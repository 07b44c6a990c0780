import { type FileLock, joinPath, pathKind, removeFile, tryLock } from "../platform/index.ts";

/** A directory that another run writes to. */
export class OutputInUseError extends Error {
  override name = "OutputInUseError";
}

/**
 * Keeps other trainings out of a directory until it is released or the process ends, however it ends. The file by which this is
 * done, `train.lock`, is there meanwhile.
 *
 * @throws OutputInUseError where another training has the directory
 */
export async function lockOutput(directory: string): Promise<FileLock> {
  const path = joinPath(directory, "train.lock");
  const lock = await tryLock(path);
  // Whoever had it may have taken the file away between its opening and its locking here.
  if (lock !== undefined && (await pathKind(path)) !== "missing") return releasing(path, lock);
  await lock?.release();
  throw new OutputInUseError(
    `${directory}: must belong to one training at a time, got another one that is writing there; wait for its end, or name another directory (--output)`,
  );
}

function releasing(path: string, lock: FileLock): FileLock {
  return {
    release: async () => {
      // Windows lets nobody take away a file that is locked; there it stays.
      await removeFile(path).catch(() => undefined);
      await lock.release();
    },
  };
}
