import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const millisecondsKept = 3_600_000;

/** The files of folders, without tests. */
function sources(folders: readonly string[]): string[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const isPart = (path: string): boolean => !path.endsWith(".test.ts") && statSync(join(root, path)).isFile();
  return [...paths.filter(isPart).sort(), "package-lock.json"];
}

/**
 * A directory of what is built from folders of this repository: below `.cache`, by the checksum of their files, for all tests that
 * need it; not in `dist`, which the package's test writes at the same time.
 *
 * @param kind the directory of `.cache` that holds it
 * @param build writes it to a directory that is not there yet
 */
export async function cachedBuild(
  kind: string,
  folders: readonly string[],
  build: (directory: string) => Promise<unknown>,
): Promise<string> {
  // What is built may name the files that it was built from.
  const hash = createHash("sha256").update(root);
  for (const path of sources(folders)) hash.update(path).update(readFileSync(join(root, path)));
  const kept = join(root, ".cache", kind);
  const directory = join(kept, hash.digest("hex").slice(0, 16));
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.${process.pid}`;
  await build(unfinished);
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    // Another test has built the same meanwhile.
    if (!existsSync(directory)) throw error;
    rmSync(unfinished, { recursive: true });
  }
  removeEarlier(kept);
  return directory;
}

/** Deletes old builds that no running test can still be using. */
function removeEarlier(kept: string): void {
  const paths = readdirSync(kept).map((name) => join(kept, name));
  for (const path of paths) {
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Number.POSITIVE_INFINITY };
    if (Date.now() - mtimeMs > millisecondsKept) rmSync(path, { recursive: true, force: true });
  }
}
