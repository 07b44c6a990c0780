import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const kept = join(root, ".cache/page");
const millisecondsKept = 3_600_000;

/** The page's source files, without tests. */
function sources(): string[] {
  const folders = ["web", "examples", "src"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const isPart = (path: string): boolean => !path.endsWith(".test.ts") && statSync(join(root, path)).isFile();
  return [...folders.filter(isPart).sort(), "package-lock.json"];
}

/**
 * The directory of the built page. Builds are cached by the checksum of the sources; not in `dist`, which the package's
 * test rewrites at the same time.
 */
export async function builtPage(): Promise<string> {
  const hash = createHash("sha256");
  for (const path of sources()) hash.update(path).update(readFileSync(join(root, path)));
  const directory = join(kept, hash.digest("hex").slice(0, 16));
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.${process.pid}`;
  // Vite would make a development build with the NODE_ENV that vitest sets.
  const env = { ...process.env, NODE_ENV: "production", OWL_PAGE_DIRECTORY: unfinished };
  await promisify(execFile)("npm", ["run", "--silent", "build:web"], { cwd: root, env });
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    // Another test has built the same page meanwhile.
    if (!existsSync(directory)) throw error;
    rmSync(unfinished, { recursive: true });
  }
  removeEarlier();
  return directory;
}

/** Deletes old builds that no running test can still be using. */
function removeEarlier(): void {
  const paths = readdirSync(kept).map((name) => join(kept, name));
  for (const path of paths) {
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Number.POSITIVE_INFINITY };
    if (Date.now() - mtimeMs > millisecondsKept) rmSync(path, { recursive: true, force: true });
  }
}
