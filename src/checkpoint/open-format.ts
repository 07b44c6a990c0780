import { headBytes, type OpenFile, openFile, unexpectedContent } from "../platform/index.ts";
import { CheckpointError } from "./errors.ts";
import { bytesAt } from "./stored-types.ts";

/**
 * Opens a file in a format, and closes it where that fails.
 *
 * @param format the format, for the message
 * @throws what `read` throws, or a CheckpointError that names what the file holds instead (a git-lfs pointer, a web page,
 *   nothing) and how to get the right one
 */
export async function openFormat<Source>(
  format: string,
  path: string,
  read: (file: OpenFile) => Promise<Source>,
): Promise<Source> {
  const file = await openFile(path);
  try {
    return await read(file);
  } catch (error) {
    const head = await bytesAt(file, 0, Math.min(headBytes, file.size)).finally(() => file.close());
    const unexpected = error instanceof CheckpointError ? unexpectedContent(head) : undefined;
    if (unexpected === undefined) throw error;
    throw new CheckpointError(path, `must be ${format}`, [unexpected.is], unexpected.next);
  }
}
