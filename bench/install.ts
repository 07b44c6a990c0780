import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

interface LockedPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
}

/** Bytes of a package's files, without those of packages within it. */
function sizeOf(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === "node_modules") continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += sizeOf(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}

/** Megabytes (10⁶ bytes) of what `npm i mplug-owl` installs beside the package itself on this platform, the largest first. */
export function installedDependencies(): [name: string, megabytes: number][] {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const needed = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional, peer }]) => path !== "" && !dev && !devOptional && !peer,
  );
  return needed
    .flatMap(([path]): [string, number][] => {
      try {
        return [[path.replace(/^node_modules\//, ""), sizeOf(join(root, path)) / 1e6]];
      } catch {
        // Built for another platform, and so not installed.
        return [];
      }
    })
    .sort(([, a], [, b]) => b - a);
}
