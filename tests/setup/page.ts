import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cachedBuild } from "./cached-build.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The directory of the built page. */
export function builtPage(): Promise<string> {
  return cachedBuild("page", ["examples", "src", "web"], (directory) => {
    // Vite would make a development build with the NODE_ENV that vitest sets.
    const env = { ...process.env, NODE_ENV: "production", OWL_PAGE_DIRECTORY: directory };
    return promisify(execFile)("npm", ["run", "--silent", "build:web"], { cwd: root, env });
  });
}
