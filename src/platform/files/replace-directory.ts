import * as fs from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { FileError, orFileError } from "./file-error.ts";
import { makeDirectory, pathKind } from "./files.ts";
import { syncDirectory } from "./sync-directory.ts";

/**
 * Replaces a directory as a whole. `fill` writes the new content into the directory it is given
 * (`<directory>.partial`); when it has ended, that one becomes `<directory>.next`, the old one
 * `<directory>.previous`, and the new one takes its place. So at every moment `directory` or
 * `<directory>.next` is complete, and {@link completeDirectory} tells which. Each of these steps reaches the disk before
 * the next one that relies on it, so a power cut leaves no other picture than a kill.
 *
 * Entries of the old directory for which `keep` holds and that `fill` did not write are moved over.
 *
 * @throws FileError where the directory cannot be replaced, such as where a file is in its place
 */
export async function replaceDirectory(
  directory: string,
  fill: (partial: string) => Promise<void>,
  keep: (name: string) => boolean,
): Promise<void> {
  const target = resolve(directory);
  if (!relative(target, process.cwd()).startsWith("..")) {
    throw new FileError(
      `${directory}: must be a directory that can be replaced, got the current one or one above it; name one below it`,
    );
  }
  if ((await pathKind(target)) === "file") {
    throw new FileError(`${directory}: must be a directory that can be replaced, got a file in its place`);
  }
  await replaceResolved(target, fill, keep);
}

async function replaceResolved(
  directory: string,
  fill: (partial: string) => Promise<void>,
  keep: (name: string) => boolean,
): Promise<void> {
  await settleDirectory(directory, keep);
  const partial = `${directory}.partial`;
  await makeDirectory(partial);
  try {
    await fill(partial);
  } catch (error) {
    // On a full disk it would take the room that going on needs. What stopped the filling is the news, also where it stops this too.
    await fs.rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  await orFileError(directory, "must be a directory that can be replaced", async () => {
    await syncDirectory(partial);
    await fs.rename(partial, `${directory}.next`);
    if ((await pathKind(directory)) === "missing") return;
    await syncDirectory(dirname(directory));
    await fs.rename(directory, `${directory}.previous`);
  });
  await settleDirectory(directory, keep);
}

/** Brings an interrupted {@link replaceDirectory} to its end, or takes back what was not complete. */
async function settleDirectory(directory: string, keep: (name: string) => boolean): Promise<void> {
  const next = `${directory}.next`;
  const previous = `${directory}.previous`;
  await orFileError(directory, "must be a directory that can be replaced", async () => {
    if ((await pathKind(directory)) === "missing" && (await pathKind(next)) === "directory") {
      await fs.rename(next, directory);
      await syncDirectory(dirname(directory));
    }
    if ((await pathKind(previous)) === "directory") await moveKept(previous, directory, keep);
    for (const rest of [previous, next, `${directory}.partial`]) {
      await fs.rm(rest, { recursive: true, force: true });
    }
  });
}

/**
 * Makes a directory of files appear a second time, as a whole, by hard links, or by copies where the file system has no links. For
 * files that are replaced and never changed.
 */
export async function copyDirectory(from: string, to: string): Promise<void> {
  await replaceDirectory(
    to,
    async (partial) => {
      for (const name of await fs.readdir(from)) {
        const [file, target] = [join(from, name), join(partial, name)];
        await orFileError(target, "must be a file that can be written", () =>
          fs.link(file, target).catch(() => fs.copyFile(file, target)),
        );
      }
    },
    () => false,
  );
}

async function moveKept(from: string, to: string, keep: (name: string) => boolean): Promise<void> {
  let moved = false;
  for (const name of await fs.readdir(from)) {
    const target = join(to, name);
    if (!keep(name) || (await pathKind(target)) !== "missing") continue;
    await fs.rename(join(from, name), target);
    moved = true;
  }
  if (moved) await syncDirectory(to);
}

/**
 * The path under which a directory written by {@link replaceDirectory} is complete at this moment: itself, or
 * `<directory>.next` where the writer was killed between its two renames. Changes nothing.
 */
export async function completeDirectory(directory: string): Promise<string> {
  const kind = await pathKind(directory);
  if (kind === "directory") return directory;
  const next = `${resolve(directory)}.next`;
  if (kind === "missing" && (await pathKind(next)) === "directory") return next;
  throw new FileError(
    `${directory}: must be a directory, got ${kind === "file" ? "a file" : "no such directory"}`,
  );
}
