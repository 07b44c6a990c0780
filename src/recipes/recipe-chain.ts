import { resultOfRun } from "../checkpoint/index.ts";
import { HubError, modelDirectory } from "../hub/index.ts";
import { foundPath, localPath, nearestName, parentDirectory, pathKind } from "../platform/index.ts";
import { foreignHyperparameters } from "../training/index.ts";
import { isBuiltInConfig } from "./built-in-config.ts";
import { publishedRecipes } from "./published.ts";
import type { RecipeFile } from "./recipe-schema.ts";
import { type ReadRecipe, type RecipeProblem, readRecipeText } from "./recipe-text.ts";
import { readSettings, settingsName } from "./settings.ts";

/** A recipe file and those that it extends, one after the other. */
export interface RecipeChain {
  /** The file itself. */
  readonly path: string;
  /** The values of all keys: each from the nearest file that has it, else from the published recipe. File paths are resolved. */
  readonly values: RecipeFile;
  readonly problems: readonly RecipeProblem[];
  /** The published recipe at the chain's end. */
  readonly published: string | undefined;
  /** Whether the chain could be followed to its end. */
  readonly isWhole: boolean;
  /** Whether a file (not the published recipe) has a key, with a valid value or not. */
  hasKey(key: string): boolean;
  /** The file and line of a key, or of a value inside it. */
  locationOf(keyPath: readonly PropertyKey[]): { readonly file: string; readonly line?: number | undefined };
}

interface Link {
  readonly file: string;
  readonly read: ReadRecipe;
}

/**
 * Reads a recipe file and those that it extends; problems are collected, not thrown.
 *
 * @param settings `key=value` each, which win over the file
 */
export async function readChain(path: string, settings: readonly string[] = []): Promise<RecipeChain> {
  const links: Link[] = [];
  const problems: RecipeProblem[] = [];
  const end = await follow(path, links, problems);
  const published = end === undefined || end === "" ? undefined : end;
  const base = published === undefined ? {} : (publishedRecipes[published].recipe as RecipeFile);
  let values: RecipeFile = base;
  for (const { file, read } of links.toReversed()) {
    values = await extended(values, read.values, { directory: parentDirectory(file), name: file });
  }
  if (settings.length > 0) {
    const read = readSettings(settings, values);
    links.unshift({ file: settingsName, read });
    values = await extended(values, read.values, { directory: parentDirectory(path), name: values.name });
  }
  return {
    path,
    values,
    problems: [...links.flatMap(({ read }) => read.problems), ...problems],
    published,
    isWhole: end !== undefined,
    hasKey: (key) => links.some(({ read }) => read.keys.has(key)),
    locationOf: (keyPath) => {
      const link = links.find(({ read }) => read.keys.has(String(keyPath[0])));
      return link === undefined ? { file: path } : { file: link.file, line: link.read.lineOf(keyPath) };
    },
  };
}

/** The values of a recipe with those of one that extends it, whose paths are relative to its directory. */
async function extended(
  values: RecipeFile,
  read: RecipeFile,
  { directory, name }: { readonly directory: string; readonly name: string | undefined },
): Promise<RecipeFile> {
  const { extends: _, ...own } = await withResolvedPaths(read, directory);
  const inherited = withoutOtherOptimizer(withoutReplacedModel(values, own), own);
  return { ...inherited, ...own, name: own.name ?? name };
}

/** A file that gives a model drops the inherited `config` and `tokenizer` of a fresh one, and the reverse. */
function withoutReplacedModel(inherited: RecipeFile, own: RecipeFile): RecipeFile {
  const { config, tokenizer, model, ...rest } = inherited;
  if (own.model !== undefined && own.config === undefined && config !== undefined) return rest;
  return own.config !== undefined && own.model === undefined ? { ...rest, config, tokenizer } : inherited;
}

/** A file that chooses an optimizer drops the inherited hyperparameters of others. */
function withoutOtherOptimizer(inherited: RecipeFile, { optimizer }: RecipeFile): RecipeFile {
  if (optimizer === undefined) return inherited;
  const foreign = new Set(foreignHyperparameters(optimizer, inherited));
  return Object.fromEntries(Object.entries(inherited).filter(([key]) => !foreign.has(key)));
}

/**
 * Reads file after file into `links`.
 *
 * @returns the published recipe at the end, "" where there is none, undefined where the chain breaks
 */
async function follow(path: string, links: Link[], problems: RecipeProblem[]): Promise<string | undefined> {
  const read = await readRecipeText(path);
  links.push({ file: path, read });
  if (!read.isReadable) return undefined;
  const parent = read.values.extends;
  if (parent === undefined) return read.keys.has("extends") ? undefined : "";
  if (Object.hasOwn(publishedRecipes, parent)) return parent;
  const file = localPath(parent, parentDirectory(path));
  const line = read.lineOf(["extends"]);
  const seen = links.map((link) => link.file);
  if (seen.includes(file)) {
    problems.push({
      file: path,
      line,
      text: `extends: goes round in a circle, ${[...seen, file].join(" → ")}`,
    });
    return undefined;
  }
  if ((await pathKind(file)) === "file") return follow(file, links, problems);
  const known = Object.keys(publishedRecipes);
  const near = nearestName(parent, known);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  problems.push({
    file: path,
    line,
    text: `extends: must be one of ${known.join(", ")}, or a file, got ${parent}${hint}`,
  });
  return undefined;
}

/**
 * Paths in a recipe are relative to the recipe. What a run reads has the name that it has on the disk, which may be written in
 * other code points than the recipe's.
 */
async function withResolvedPaths(values: RecipeFile, directory: string): Promise<RecipeFile> {
  const { model, config, tokenizer, output, data, evaluation, samples, benchmarks } = values;
  const resolve = (path: string): Promise<string> => foundPath(localPath(path, directory));
  const resolveFiles = (files: NonNullable<typeof data>) =>
    Promise.all(
      files.map(async (entry) => ({
        ...entry,
        file: await resolve(entry.file),
        ...(entry.images !== undefined && { images: await resolve(entry.images) }),
      })),
    );
  return {
    ...values,
    ...(model !== undefined && { model: await resolvedModel(model, directory) }),
    ...(config !== undefined && { config: isBuiltInConfig(config) ? config : await resolve(config) }),
    ...(tokenizer !== undefined && { tokenizer: await resolvedModel(tokenizer, directory) }),
    ...(output !== undefined && { output: localPath(output, directory) }),
    ...(data !== undefined && { data: await resolveFiles(data) }),
    ...(evaluation !== undefined && { evaluation: await resolveFiles(evaluation) }),
    ...(benchmarks !== undefined && {
      benchmarks: await Promise.all(
        benchmarks.map(async (one) => ({ ...one, data: await resolve(one.data) })),
      ),
    }),
    ...(samples !== undefined && {
      samples: await Promise.all(
        samples.map(async ({ image, question }) => ({
          image: await Promise.all(image.map(resolve)),
          question,
        })),
      ),
    }),
  };
}

/**
 * As commands find models, and of a run its model; a name that leads nowhere stays a path, which is found missing with all
 * else.
 */
async function resolvedModel(name: string, directory: string): Promise<string> {
  const path = await modelDirectory(name, { relativeTo: directory }).catch((error: unknown) => {
    if (error instanceof HubError) return localPath(name, directory);
    throw error;
  });
  return (await resultOfRun(path)) ?? path;
}
