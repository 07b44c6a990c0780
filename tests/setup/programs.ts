import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "vite";
import { cachedBuild } from "./cached-build.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What is found beside a source file is found there, too, by what was built of it. */
const addressesOfSources: Plugin = {
  name: "addresses-of-sources",
  transform(code, id) {
    if (!code.includes("import.meta.url")) return undefined;
    return { code: code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href)), map: null };
  },
};

/**
 * A program of this repository as JavaScript, for tests that start it as a process: it starts in a sixth of the processor time that
 * reading its sources takes, and behaves alike.
 *
 * @param path from the repository's root
 * @returns the path of the file that Node runs
 */
export function builtProgram(path: string): Promise<string> {
  const known = built.get(path) ?? buildProgram(path);
  built.set(path, known);
  return known;
}

/** What this process has asked for. */
const built = new Map<string, Promise<string>>();

async function buildProgram(path: string): Promise<string> {
  const name = path.replace(/\.ts$/, "").replaceAll("/", "-");
  const folders = path.startsWith("src/") ? ["src"] : ["src", dirname(path)];
  const directory = await cachedBuild(`programs/${name}`, folders, (unfinished) =>
    build({
      configFile: false,
      logLevel: "error",
      root,
      ssr: { target: "node", external: true },
      plugins: [addressesOfSources],
      build: {
        ssr: resolve(root, path),
        outDir: unfinished,
        target: "node20",
        minify: false,
        rolldownOptions: { output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" } },
      },
    }),
  );
  return join(directory, basename(path).replace(/\.ts$/, ".mjs"));
}

/** `owl` as words of a command line, to which those behind it are added. */
export async function builtOwl(): Promise<readonly [node: string, program: string]> {
  return [process.execPath, await builtProgram("src/cli/main.ts")];
}
