import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** A path of an environment variable as shells and Python take it: `~`, `$NAME` and `${NAME}` are filled in. */
export function expandedPath(path: string): string {
  const filled = path.replace(/\$(?:(\w+)|\{(\w+)\})/g, (all, plain, braced) => {
    return process.env[plain ?? braced] ?? all;
  });
  return resolve(/^~(?=[\\/]|$)/.test(filled) ? join(homedir(), filled.slice(1)) : filled);
}
