import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTokenizer, loadTokenizer } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const own = fixture("strangers/added-json");
const json = (path: string) => JSON.parse(readFileSync(fixture(path), "utf8"));

let folder: string;
let made = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-added-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A directory with the tokenizer files of another, and some of its own. */
function directoryWith(files: Record<string, unknown>, from = own): string {
  const directory = join(folder, `${made++}`);
  cpSync(from, directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) rmSync(join(directory, name));
    else writeFileSync(join(directory, name), JSON.stringify(content));
  }
  return directory;
}

describe("tokens that stand beside the vocabulary", () => {
  test("added_tokens.json: [PAD] is id 400", async () => {
    const tokenizer = await loadTokenizer(own);
    expect(tokenizer.padId).toBe(400);
    expect(tokenizer.vocabularySize).toBe(401);
    expect(tokenizer.decode([400])).toBe("[PAD]");
    expect(tokenizer.decode([400], { skipSpecialTokens: true })).toBe("");
    expect(tokenizer.encode("[PAD]")).toEqual([400]);
    expect(tokenizer.bytes(400)).toBeUndefined();
    expect(tokenizer.stream().push(400)).toBe("");
  });

  test("added_tokens_decoder and special_tokens_map.json, beside either kind of vocabulary", async () => {
    const decoder = {
      "0": { content: "<unk>", special: true },
      "400": { content: "[PAD]", special: true },
      "401": { content: "<look>", special: false, lstrip: false },
      "402": { content: "<turn>", special: false },
    };
    const text = join(fixture("text"), "tokenizer.json");
    const { vocabularySize: size } = createTokenizer(JSON.parse(readFileSync(text, "utf8")));
    const moved = Object.fromEntries(
      Object.entries(decoder).map(([id, token]) => [Number(id) < 400 ? id : Number(id) + size - 400, token]),
    );
    for (const [directory, first] of [
      [
        directoryWith({
          "added_tokens.json": undefined,
          "tokenizer_config.json": { added_tokens_decoder: decoder },
          "special_tokens_map.json": { pad_token: "[PAD]", additional_special_tokens: ["<turn>"] },
        }),
        400,
      ],
      [
        directoryWith(
          {
            "tokenizer_config.json": { added_tokens_decoder: moved },
            "special_tokens_map.json": {
              pad_token: { content: "[PAD]" },
              extra_special_tokens: { turn: "<turn>" },
            },
          },
          fixture("text"),
        ),
        size,
      ],
    ] as const) {
      const tokenizer = await loadTokenizer(directory);
      expect(tokenizer.padId).toBe(first);
      expect(tokenizer.vocabularySize).toBe(first + 3);
      expect(tokenizer.encode("<look><turn>")).toEqual([first + 1, first + 2]);
      expect(tokenizer.decode([first + 1, first + 2], { skipSpecialTokens: true })).toBe("<look>");
    }
  });

  test("files that disagree are told, each token by its name", async () => {
    const directory = directoryWith({
      "tokenizer_config.json": {
        pad_token: "[PAD]",
        added_tokens_decoder: {
          "401": { content: "[PAD]" },
          x: { content: "[X]" },
          "7": { content: "[SEVEN]" },
        },
      },
    });
    for (const part of [
      /"\[PAD\]" as 400 in added_tokens\.json, 401 elsewhere|"\[PAD\]" as 401 .* 400 elsewhere/,
      /"x" with \{"content":"\[X\]"\}/,
      /the id 7 of "\[SEVEN\]" in added_tokens_decoder of tokenizer_config\.json, elsewhere ".*"'s/,
    ]) {
      await expect(loadTokenizer(directory)).rejects.toThrow(part);
    }
    const wrong = directoryWith({ "added_tokens.json": { "[PAD]": "400", "[MORE]": -1 } });
    await expect(loadTokenizer(wrong)).rejects.toThrow(/"\[PAD\]" with "400" in .*; "\[MORE\]" with -1/);
  });
});

describe("the beginning and the end of a sequence", () => {
  const text = json("text/tokenizer.json");
  const vocabularyWithout = (...tokens: string[]): typeof text => ({
    ...text,
    added_tokens: text.added_tokens.filter(({ content }: { content: string }) => !tokens.includes(content)),
    model: {
      ...text.model,
      vocab: Object.fromEntries(
        Object.entries(text.model.vocab as Record<string, number>).map(([token, id]) =>
          tokens.includes(token) ? [`${token}-of-another-name`, id] : [token, id],
        ),
      ),
    },
  });

  test("bos_token null, empty, or nowhere: nothing stands in front", () => {
    for (const tokenizer of [
      createTokenizer(text, { bos_token: null }),
      createTokenizer(text, { bos_token: "" }),
      createTokenizer(vocabularyWithout("<s>")),
    ]) {
      expect(tokenizer.bosId).toBeUndefined();
      expect(tokenizer.start).toEqual([]);
      expect(tokenizer.decode(tokenizer.encode("a cat"))).toBe("a cat");
    }
    expect(createTokenizer(text).start).toEqual([1]);
  });

  test("eos_token null is an error where it is needed, and only there", () => {
    for (const tokenizer of [
      createTokenizer(text, { eos_token: null }),
      createTokenizer(vocabularyWithout("</s>")),
    ]) {
      expect(tokenizer.decode(tokenizer.encode("a cat"))).toBe("a cat");
      expect(() => tokenizer.eosId).toThrow("must have a token that ends a sequence, got none");
    }
  });
});

describe("the blank in front of a text", () => {
  const text = json("text/tokenizer.json");
  const decoders = (last: object | undefined) => [
    { type: "Replace", pattern: { String: "\u2581" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    ...(last ? [last] : []),
  ];
  const plain = createTokenizer(text);
  const ids = plain.encode("owl");

  test.each([
    [
      "Metaspace, prepend_scheme never",
      { type: "Metaspace", replacement: "\u2581", prepend_scheme: "never" },
      " owl",
    ],
    [
      "Metaspace, prepend_scheme first",
      { type: "Metaspace", replacement: "\u2581", prepend_scheme: "first" },
      "owl",
    ],
    [
      "Metaspace, prepend_scheme always",
      { type: "Metaspace", replacement: "\u2581", prepend_scheme: "always" },
      "owl",
    ],
    [
      "Metaspace of old, no prefix",
      { type: "Metaspace", replacement: "\u2581", add_prefix_space: false },
      " owl",
    ],
    [
      "Metaspace of old, a prefix",
      { type: "Metaspace", replacement: "\u2581", add_prefix_space: true },
      "owl",
    ],
    ["Metaspace that says nothing", { type: "Metaspace", replacement: "\u2581" }, "owl"],
    [
      "a Strip at the start",
      { type: "Sequence", decoders: decoders({ type: "Strip", content: " ", start: 1, stop: 0 }) },
      "owl",
    ],
    [
      "a Strip of nothing",
      { type: "Sequence", decoders: decoders({ type: "Strip", content: " ", start: 0, stop: 0 }) },
      " owl",
    ],
    ["no Strip", { type: "Sequence", decoders: decoders(undefined) }, " owl"],
  ])("%s", (_, decoder, decoded) => {
    const tokenizer = createTokenizer({ ...text, decoder });
    expect(tokenizer.decode(ids)).toBe(decoded);
    const stream = tokenizer.stream();
    expect(ids.map(stream.push).join("") + stream.end()).toBe(decoded);
    expect(tokenizer.decode([1, ...ids], { skipSpecialTokens: true })).toBe(decoded);
  });

  test("a tokenizer that puts no blank in front gives every text back", () => {
    const marks = { type: "Replace", pattern: { String: " " }, content: "\u2581" };
    const tokenizer = createTokenizer({
      ...text,
      normalizer: marks,
      decoder: { type: "Metaspace", prepend_scheme: "never" },
    });
    for (const one of ["owl", " owl", "  two  owls ", ""]) {
      expect(tokenizer.decode(tokenizer.encode(one))).toBe(one);
      expect(tokenizer.decode([1, ...tokenizer.encode(one), 2])).toBe(`<s>${one}</s>`);
    }
  });
});
