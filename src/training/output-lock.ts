import { type FileLock, joinPath, tryLockFile } from "../platform/index.ts";

/** Another training writes to the directory. */
export class OutputInUseError extends Error {
  override name = "OutputInUseError";
}

/**
 * Locks a directory against other trainings until the lock is released or the process ends, however it ends. It is a lock on the
 * file `train.lock`, which is there meanwhile.
 *
 * @throws OutputInUseError where another training has the directory
 */
export async function lockOutput(directory: string): Promise<FileLock> {
  const lock = await tryLockFile(joinPath(directory, "train.lock"));
  if (lock !== undefined) return lock;
  throw new OutputInUseError(
    `${directory}: must belong to one training at a time, got another one that is writing there; wait for its end, or name another directory (--output)`,
  );
}
