import * as fs from "node:fs/promises";
import { orFileError } from "./file-error.ts";

/** Appends text to a file, which is created where it is missing. */
export async function appendText(path: string, text: string): Promise<void> {
  await orFileError(path, "must be a file that can be written", () => fs.appendFile(path, text));
}
