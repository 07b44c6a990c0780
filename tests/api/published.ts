import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Target {
  readonly default?: string;
}
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly exports: Readonly<Record<string, string | Target>>;
};

/** What package.json exports: import path → the source file that is built into it, from the repository's root. */
export const publishedSources: ReadonlyMap<string, string> = new Map(
  Object.entries(exports).flatMap(([subpath, target]) => {
    const built = typeof target === "string" ? target : target.default;
    if (built?.endsWith(".js") !== true) return [];
    const source = built.replace(/^\.\/dist\//, "src/").replace(/\.js$/, ".ts");
    return [[`mplug-owl${subpath.slice(1)}`, source] as const];
  }),
);

/** The absolute path of the source behind an import path such as `mplug-owl/training`. */
export function publishedSource(specifier: string): string {
  const source = publishedSources.get(specifier);
  if (source === undefined) throw new Error(`${specifier}: must be exported by package.json, is not`);
  return join(root, source);
}
