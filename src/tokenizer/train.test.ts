import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import {
  createTokenizer,
  loadTokenizer,
  saveTokenizer,
  type Tokenizer,
  type TokenizerJson,
  trainTokenizer,
} from "./index.ts";

const fixtures = fileURLToPath(new URL("../../tests/fixtures/text", import.meta.url));
const corpus = readFileSync(join(fixtures, "corpus.txt"), "utf8");
const texts = [corpus, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

describe("training", () => {
  let json: TokenizerJson;
  let tokenizer: Tokenizer;
  beforeAll(() => {
    json = trainTokenizer(texts, { vocabularySize: 512 });
    tokenizer = createTokenizer(json);
  });
  const tokensOf = (text: string) => tokenizer.encode(text).map((id) => tokenizer.decode([id]));

  test("gives the committed tokenizer, whose size is what was asked for", () => {
    expect(json).toEqual(JSON.parse(readFileSync(join(fixtures, "tokenizer.json"), "utf8")));
    expect(tokenizer.vocabularySize).toBe(512);
    expect(new Set(Object.values(json.model.vocab)).size).toBe(512);
  });

  test("frequent words are one token, capitals and digits stay apart", () => {
    expect(tokenizer.encode("the owl eats")).toHaveLength(3);
    expect(tokensOf('"STOP" 1024 the')).toEqual([
      '"',
      "S",
      "T",
      "O",
      "P",
      '"',
      "",
      "1",
      "0",
      "2",
      "4",
      "the",
    ]);
    const joined = (json.model.merges as string[]).map((merge) => merge.replace(" ", ""));
    expect(joined.filter((token) => /\p{Lu}|\p{N}|.\u2581/u.test(token))).toEqual([]);
  });

  test("characters without a token become bytes, and come back", () => {
    const text = "an owl 🦉 hoots:\n\t猫頭鷹";
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(
      createTokenizer(trainTokenizer(texts, { vocabularySize: 300, characters: 30 })).encode("Q"),
    ).toEqual([259, 3 + 0x51]);
  });

  test("a vocabulary that the texts cannot fill is refused with the sizes they allow", () => {
    expect(() => trainTokenizer(texts, { vocabularySize: 5000 })).toThrow(
      /vocabulary of 5000, got 330 .* and \d+ with/,
    );
    expect(() => trainTokenizer(texts, { vocabularySize: 300 })).toThrow(/got 330 without merges/);
  });

  test("saved and loaded again it is the same", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tokenizer-"));
    try {
      await saveTokenizer(await loadTokenizer(fixtures), directory);
      const again = await loadTokenizer(directory);
      expect(again.json).toEqual(json);
      expect(again.configuration.prompt_template).toEqual({ system: "", cut: "turns" });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("loading", () => {
  test("a directory without a tokenizer, and files that are none, are named", async () => {
    await expect(loadTokenizer(join(fixtures, ".."))).rejects.toThrow(
      /tokenizer.json or tokenizer.model, got neither/,
    );
    const { json } = await loadTokenizer(fixtures);
    expect(() => createTokenizer(json, { bos_token: "<bos>", eos_token: { content: "<end>" } })).toThrow(
      /bos_token "<bos>", eos_token "<end>"/,
    );
    expect(() => createTokenizer({ ...json, decoder: { type: "WordPiece" } })).toThrow(/got WordPiece/);
  });
});
