import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { shortened } from "../text/shortened.ts";
import { FileError } from "./file-error.ts";

/** The path of a `file:` URL; undefined for any other URL. @throws FileError where it names no file of this machine */
export function pathOfUrl(url: URL): string | undefined {
  if (url.protocol !== "file:") return undefined;
  try {
    return fileURLToPath(url);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new FileError(`${shortened(url.href)}: must name a file of this machine, got: ${got}`, {
      cause: error,
    });
  }
}

/** The `file:` URL of a path. */
export function fileUrl(path: string): URL {
  return pathToFileURL(path);
}

/**
 * The path that a person means: a `file:` URL is one, and `~/` in front is the home directory, where no shell has said so
 * already and nothing of the working directory is called that.
 *
 * @param relativeTo what relative paths start from; absent: the working directory
 */
export function localPath(text: string, relativeTo?: string): string {
  const url = /^file:/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined) return pathOfUrl(url) ?? text;
  const path = relativeTo === undefined || isAbsolute(text) ? text : join(relativeTo, text);
  return /^~[\\/]/.test(text) && !existsSync(path) ? join(homedir(), text.slice(2)) : path;
}

/** A path as it is written from a directory. */
export function relativePath(directory: string, path: string): string {
  return relative(directory, path);
}

/** Where a file or directory of this package lies. */
export function packagePath(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}
