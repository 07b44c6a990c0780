import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { PublishedDeclarations } from "./declarations.ts";
import { publishedSource, publishedSources } from "./published.ts";
import { surfaceText } from "./surface.ts";

describe("what the package publishes", () => {
  let declarations: PublishedDeclarations;
  beforeAll(() => {
    declarations = new PublishedDeclarations(new Set(publishedSources.values()));
    // The compiler reads all of the source for this.
  }, 240_000);

  // A change of the surface is meant, or is none: `npx vitest run tests/api -u` writes the file anew.
  test("is what api.snapshot.txt says", async () => {
    const snapshot = join(fileURLToPath(new URL(".", import.meta.url)), "api.snapshot.txt");
    await expect(surfaceText(declarations, publishedSources)).toMatchFileSnapshot(snapshot);
  });

  test("refers to published types only", () => {
    const names = [...publishedSources].flatMap(([path, source]) =>
      declarations.namesOf(source).map((published) => ({ path, ...published })),
    );
    const published = new Set(names.flatMap(({ declarations: all }) => all));
    const missing = names.flatMap(({ path, name, declarations: all }) =>
      all
        .flatMap((one) => declarations.referencesOf(one))
        .filter((target) => !published.has(target))
        .map((target) => `${path}: ${name} refers to ${declarations.nameOf(target)}`),
    );
    expect([...new Set(missing)]).toEqual([]);
  });
});

/** What documents of earlier versions import from subpaths that are merged into others since. */
const formerImports = {
  "mplug-owl/assembly": ["mergeCheckpoint"],
  "mplug-owl/autodiff": ["gradients"],
  "mplug-owl/checkpoint": ["loadCheckpoint", "openCheckpoint"],
  "mplug-owl/constraint": ["jsonConstraint"],
  "mplug-owl/data": ["rowEncoder", "tokenReader"],
  "mplug-owl/generation": ["Owl", "completeSettings"],
  "mplug-owl/image": ["decodeImage", "modelPreprocessor"],
  "mplug-owl/model": ["parseConfig", "tokensPerImage"],
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
