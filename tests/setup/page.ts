import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const kept = join(root, ".cache/page");
const millisecondsKept = 3_600_000;

/** What the page is made of; its tests aside. */
function sources(): string[] {
  const folders = ["web", "examples", "src"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const isPart = (path: string): boolean => !path.endsWith(".test.ts") && statSync(join(root, path)).isFile();
  return [...folders.filter(isPart).sort(), "package-lock.json"];
}

/**
 * The directory of the page as it is now. It is built where no build of the same files is kept; not into `dist`, which
 * the test of the package writes anew meanwhile.
 */
export async function builtPage(): Promise<string> {
  const hash = createHash("sha256");
  for (const path of sources()) hash.update(path).update(readFileSync(join(root, path)));
  const directory = join(kept, hash.digest("hex").slice(0, 16));
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.${process.pid}`;
  // Vite makes a page for development where NODE_ENV is what vitest sets.
  const env = { ...process.env, NODE_ENV: "production", OWL_PAGE_DIRECTORY: unfinished };
  await promisify(execFile)("npm", ["run", "--silent", "build:web"], { cwd: root, env });
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    // Another test was quicker with the same page.
    if (!existsSync(directory)) throw error;
    rmSync(unfinished, { recursive: true });
  }
  removeEarlier();
  return directory;
}

/** Only builds that no test can still be showing. */
function removeEarlier(): void {
  const paths = readdirSync(kept).map((name) => join(kept, name));
  for (const path of paths) {
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Number.POSITIVE_INFINITY };
    if (Date.now() - mtimeMs > millisecondsKept) rmSync(path, { recursive: true, force: true });
  }
}
