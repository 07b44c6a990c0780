import { shortened } from "../text/shortened.ts";

/** A file or directory could not be read or written; the message names it and says why. */
export class FileError extends Error {
  override name = "FileError";
}

const REASONS: Record<string, string> = {
  ENOENT: "no such file or directory",
  EACCES: "no permission",
  EPERM: "no permission",
  EISDIR: "a directory",
  EEXIST: "another one in its place",
  ENOTDIR: "a file where a directory is needed",
  ENAMETOOLONG: "a name that is too long",
  ENOSPC: "a full disk",
  EDQUOT: "a full quota of disk space",
  EFBIG: "a file longer than this system or `ulimit -f` allows",
  EIO: "a device that failed",
  ESTALE: "a network file system that lost it",
  EROFS: "a read-only file system",
  EMFILE: "too many open files",
};

/** The reason of a system error, in a few words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return REASONS[code] ?? shortened(error instanceof Error ? error.message : String(error));
}

/** Whether a system error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** The result of an action; an error of the system becomes a FileError `path: must, got reason`. */
export async function orFileError<T>(path: string, must: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(`${shortened(path)}: ${must}, got ${reasonOf(error)}`, { cause: error });
  }
}
