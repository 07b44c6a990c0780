import { ggufParts } from "../gguf/index.ts";
import { isGgufFile } from "../model-files/index.ts";
import { directoryEntries, joinPath, pathKind } from "../platform/index.ts";

/** Beside language models: what llama.cpp sees pictures with, and what weights were weighed by when they were quantised. */
const noLanguageModel = /(^|\/)(mmproj|imatrix)[^/]*$/i;

/** The language models among the names of files; of one in several files the first stands for all. */
export function ggufModels(names: Iterable<string>): string[] {
  const files = [...names].filter((name) => isGgufFile(name) && !noLanguageModel.test(name));
  return files.filter((name) => ggufParts(name)[0] === name).sort();
}

const DEEPEST = 5;

/** The files of a directory and the folders in it, by their paths in it, with `/` between folders. */
async function filesIn(directory: string, depth = 1): Promise<string[]> {
  const paths: string[] = [];
  for (const name of await directoryEntries(directory)) {
    const path = joinPath(directory, name);
    const kind = await pathKind(path);
    if (kind === "file") paths.push(name);
    else if (kind === "directory" && depth < DEEPEST)
      paths.push(...(await filesIn(path, depth + 1)).map((inner) => `${name}/${inner}`));
  }
  return paths;
}

/** The language models in GGUF files of a directory and its folders that are there with all of their files. */
export async function wholeGgufModels(directory: string): Promise<string[]> {
  if ((await pathKind(directory)) !== "directory") return [];
  const names = new Set(await filesIn(directory));
  return ggufModels(names).filter((name) => ggufParts(name).every((part) => names.has(part)));
}

/** The path of a GGUF file in a directory; undefined where it, or another file of the same model, is missing. */
export async function wholeGgufFile(directory: string, file: string): Promise<string | undefined> {
  const paths = ggufParts(file).map((part) => joinPath(directory, ...part.split("/")));
  const kinds = await Promise.all(paths.map((path) => pathKind(path)));
  return kinds.every((kind) => kind === "file") ? paths[0] : undefined;
}
