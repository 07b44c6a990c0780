import * as fs from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { orFileError } from "./file-error.ts";
import { makeDirectory, pathKind } from "./files.ts";

/** Bytes that this user may still write on the disk of a path, which need not be there yet. */
export async function freeBytes(path: string): Promise<number> {
  let place = resolve(path);
  while ((await pathKind(place)) === "missing") place = dirname(place);
  return orFileError(place, "must be on a disk that can be asked", async () => {
    const { bavail, bsize } = await fs.statfs(place);
    return bavail * bsize;
  });
}

/** When what lies at a path was last changed, in milliseconds since 1970; undefined where there is nothing. */
export async function changeTime(path: string): Promise<number | undefined> {
  if ((await pathKind(path)) === "missing") return undefined;
  return orFileError(path, "must be accessible", async () => (await fs.stat(path)).mtimeMs);
}

/** The length of a file in bytes; undefined where there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  if ((await pathKind(path)) !== "file") return undefined;
  return orFileError(path, "must be accessible", async () => (await fs.stat(path)).size);
}

/** The length of a file in bytes and when it was last written, in milliseconds since 1970; undefined where there is none. */
export async function fileStatus(
  path: string,
): Promise<{ readonly bytes: number; readonly modified: number } | undefined> {
  if ((await pathKind(path)) !== "file") return undefined;
  return orFileError(path, "must be accessible", async () => {
    const { size, mtimeMs } = await fs.stat(path);
    return { bytes: size, modified: mtimeMs };
  });
}

/** Moves a file on the same disk; a file at the target is replaced. */
export async function moveFile(from: string, to: string): Promise<void> {
  await orFileError(to, "must be a file that can be written", () => fs.rename(from, to));
}

/** Removes a file if it is there. */
export async function removeFile(path: string): Promise<void> {
  await orFileError(path, "must be a file that can be removed", () => fs.rm(path, { force: true }));
}

/** Removes a directory with everything in it, if it is there. */
export async function removeDirectory(path: string): Promise<void> {
  await orFileError(path, "must be a directory that can be removed", () =>
    fs.rm(path, { recursive: true, force: true }),
  );
}

/**
 * Makes a file appear at a further path, without a copy: a relative symbolic link, or, where the system does not
 * allow these (Windows), a hard link. A link that is there is replaced if it leads elsewhere.
 */
export async function linkFile(target: string, path: string): Promise<void> {
  await makeDirectory(dirname(path));
  const way = relative(dirname(path), target);
  await orFileError(path, "must be a link that can be made", async () => {
    if ((await fs.readlink(path).catch(() => undefined)) === way) return;
    const fresh = `${path}.${crypto.randomUUID()}.link`;
    await fs.symlink(way, fresh).catch((error) => {
      if (process.platform !== "win32") throw error;
      return fs.link(target, fresh);
    });
    await fs.rename(fresh, path);
  });
}
