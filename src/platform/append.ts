import * as fs from "node:fs/promises";
import { FileError } from "./files.ts";

/** Adds text to the end of a file, which is made if it is not there. */
export async function appendText(path: string, text: string): Promise<void> {
  try {
    await fs.appendFile(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FileError(`${path}: must be a file that can be written, got ${reason}`, { cause: error });
  }
}
