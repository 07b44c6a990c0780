import * as fs from "node:fs/promises";
import { orFileError } from "./file-error.ts";

/** Adds text to the end of a file, which is made if it is not there. */
export async function appendText(path: string, text: string): Promise<void> {
  await orFileError(path, "must be a file that can be written", () => fs.appendFile(path, text));
}
