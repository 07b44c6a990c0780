import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isLog } from "../../training/testing/event-file.ts";

/** Every file of a run by its path, as base64, but logs, model cards and their curves: these tell the run's name and how long it took. */
export async function filesOfRun(output: string): Promise<Record<string, string>> {
  const entries = await readdir(output, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !/^(README\.md|curve\.svg)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const read = paths
    .filter((path) => !isLog(path))
    .map(async (path) => [path.slice(output.length), await readFile(path, "base64")] as const);
  return Object.fromEntries(await Promise.all(read));
}
