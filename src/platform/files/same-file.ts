import * as fs from "node:fs/promises";
import { isMissing } from "./file-error.ts";

/** Whether an opened file is still the one that a path leads to: it may have been removed, renamed or replaced since. */
export async function isFileAt(handle: fs.FileHandle, path: string): Promise<boolean> {
  const opened = await handle.stat({ bigint: true });
  try {
    const found = await fs.stat(path, { bigint: true });
    return found.ino === opened.ino && found.dev === opened.dev;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
