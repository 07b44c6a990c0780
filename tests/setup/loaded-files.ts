import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Coverage {
  readonly result: readonly { readonly url: string }[];
}

/**
 * The files of JavaScript and TypeScript that processes of Node load, by V8's own record.
 *
 * @param run runs them with these variables of the environment
 */
export async function loadedFiles(
  run: (variables: { readonly NODE_V8_COVERAGE: string }) => Promise<unknown>,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "owl-loaded-"));
  try {
    await run({ NODE_V8_COVERAGE: folder });
    const urls = readdirSync(folder).flatMap((name) => {
      const { result }: Coverage = JSON.parse(readFileSync(join(folder, name), "utf8"));
      return result.map(({ url }) => url);
    });
    // Files that tsx translates carry a query.
    return urls.filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url.split("?")[0]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The packages that files belong to. */
export function packagesOf(files: readonly string[]): string[] {
  const names = files.flatMap((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}
