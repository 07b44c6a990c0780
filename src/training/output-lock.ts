import { type FileLock, joinPath, tryLockFile } from "../platform/index.ts";

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
  const lock = await tryLockFile(joinPath(directory, "train.lock"));
  if (lock !== undefined) return lock;
  throw new OutputInUseError(
    `${directory}: must belong to one training at a time, got another one that is writing there; wait for its end, or name another directory (--output)`,
  );
}
