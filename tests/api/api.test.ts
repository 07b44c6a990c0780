import { expect, test } from "vitest";
import { publishedSource } from "./published.ts";

/** What documents of earlier versions import from subpaths that are merged into others since. */
const formerImports = {
  "mplug-owl/assembly": ["mergeCheckpoint"],
  "mplug-owl/autodiff": ["gradients"],
  "mplug-owl/checkpoint": ["loadCheckpoint", "openCheckpoint"],
  "mplug-owl/constraint": ["jsonConstraint"],
  "mplug-owl/data": ["rowEncoder", "tokenReader"],
  "mplug-owl/generation": ["Owl", "completeSettings"],
  "mplug-owl/image": ["decodeImage", "modelPreprocessor"],
  "mplug-owl/quantization": ["convertCheckpoint"],
  "mplug-owl/recipes": ["prepareRun", "publishedRecipes"],
  "mplug-owl/runtime": ["openDevice"],
  "mplug-owl/tokenizer": ["loadTokenizer"],
};

test.each(
  Object.entries(formerImports),
)("%s still has what documents imported from it", async (path, names) => {
  const module = (await import(publishedSource(path))) as Record<string, unknown>;
  expect(names.filter((name) => module[name] === undefined)).toEqual([]);
});
