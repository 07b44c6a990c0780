// What a person writes is letters: `splitSpecialTokens` against every tokenizer that the fixtures have.
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTokenizer, loadTokenizer, type Tokenizer, type TokenizerJson } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const own = await loadTokenizer(fixture("text"));
const llama2 = await loadTokenizer(fixture("parts/llama2"));
const llama3 = await loadTokenizer(fixture("parts/llama3"));

const added = (id: number, content: string, more: object = {}) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ...more,
});
const withTokens = (
  { json, configuration }: Tokenizer,
  tokens: TokenizerJson["added_tokens"],
  changes: Partial<TokenizerJson> = {},
): Tokenizer =>
  createTokenizer({ ...json, ...changes, added_tokens: [...json.added_tokens, ...tokens] }, configuration);

const next = own.vocabularySize;
const signs = withTokens(own, [
  added(next, "<image>"),
  added(next + 1, "<|im_end|>"),
  added(next + 2, "<tool_call>", { special: false }),
  added(next + 3, "owlet", { special: false }),
]);
const letters = { splitSpecialTokens: true };

const everywhere: [name: string, tokenizer: Tokenizer][] = [
  ["a trained one", own],
  ["LLaMA 2's", llama2],
  ["Llama 3's, byte by byte", llama3],
  ["one with added tokens", signs],
];

describe.each(everywhere)("texts as letters: %s", (_, tokenizer) => {
  const { json } = tokenizer;
  const ordinary = new Set(["owlet"]);
  const forms = json.added_tokens.filter(({ content }) => !ordinary.has(content));
  const control = new Set(forms.map(({ id }) => id));
  const letter = fc.oneof(
    fc.stringMatching(/^[ -~\n]{0,12}$/),
    fc.constantFrom(...forms.map((one) => one.content)),
  );
  const text = fc.array(letter, { maxLength: 8 }).map((all) => all.join(""));

  test("no text has a control token, and decoding gives it back", () => {
    fc.assert(
      fc.property(text, (value) => {
        const ids = tokenizer.encode(value, letters);
        expect(ids.filter((id) => control.has(id) && id !== tokenizer.unkId)).toEqual([]);
        if (!ids.includes(tokenizer.unkId)) expect(tokenizer.decode(ids)).toBe(value);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test("a text without them is as ever, and so is one whose words are a template's", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(tokenizer.encodeParts([{ text: value }])).toEqual(tokenizer.encode(value));
        const plain = forms.reduce((rest, { content }) => rest.replaceAll(content, ""), value);
        if (forms.some(({ content }) => plain.includes(content))) return;
        expect(tokenizer.encode(plain, letters)).toEqual(tokenizer.encode(plain));
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});

test("letters are what the same vocabulary makes of them without the token", () => {
  const without = createTokenizer({
    ...own.json,
    added_tokens: own.json.added_tokens.slice(0, 0),
  });
  for (const text of ["a </s> b", "<s>", " <unk></s>x"]) {
    expect(own.encode(text, letters)).toEqual(without.encode(text));
    expect(own.decode(own.encode(text, letters))).toBe(text);
  }
});

test("parts of one text are one text: tokens go from one to the next, and only the template's are control tokens", () => {
  expect(own.encodeParts([{ text: "Human: " }, { text: "the owl", ...letters }])).toEqual(
    own.encode("Human: the owl"),
  );
  const ids = signs.encodeParts([
    { text: "<|im_end|>a" },
    { text: "<|im_end|>", ...letters },
    { text: "<image>" },
  ]);
  expect(ids.filter((id) => id >= next)).toEqual([next + 1, next]);
  expect(ids.at(-1)).toBe(next);
});

test("added words stay words; what is in brackets is a control sign though it is called ordinary", () => {
  expect(signs.encode("owlet", letters)).toContain(next + 3);
  expect(signs.encode("<tool_call>")).toContain(next + 2);
  expect(signs.encode("<tool_call>", letters)).not.toContain(next + 2);
});

test("what a normalizer makes of letters is no control token either", () => {
  const folding = withTokens(own, [added(next, "<SEP>", { normalized: true }), added(next + 1, "<mask>")], {
    normalizer: { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Lowercase" }] },
  });
  expect(folding.encode("＜ＳＥＰ＞")).toEqual([next]);
  for (const text of ["＜ＳＥＰ＞", "<sep>", "＜／ｓ＞", "＜mask＞", "<MASK>"]) {
    const ids = folding.encode(text, letters);
    expect(ids.filter((id) => id >= next || id === folding.eosId || id === folding.bosId)).toEqual([]);
  }
});

test("merges and whole words that would be a control token are none", () => {
  const { model } = llama3.json;
  const merges: [string, string][] = [
    ["e", "o"],
    ["eo", "t"],
    ["o", "t"],
  ];
  const json = {
    ...llama3.json,
    model: { ...model, vocab: { ...model.vocab, eo: 400, eot: 401, ot: 402 }, merges },
    added_tokens: [...llama3.json.added_tokens, added(401, "eot")],
  };
  const merging = createTokenizer(json, { ...llama3.configuration, eos_token: "eot" });
  expect(merging.encode("eot")).toEqual([401]);
  const ids = merging.encode("eot", letters);
  expect(ids).toEqual([400, model.vocab.t]);
  expect(merging.decode(ids)).toBe("eot");
});

test("nothing that can be written names a control token: half a surrogate pair is no letter", () => {
  for (const text of ["\ud8000\ud800", "\ud8001\ud800", "\ud8002\ud800</s>"]) {
    const ids = own.encode(text, letters);
    expect(ids.filter((id) => id <= 2)).toEqual([]);
    expect(own.decode(ids)).toBe(text.replaceAll("\ud800", "\ufffd"));
  }
});

test("tokens that only tokenizer_config.json calls special are no letters", () => {
  const { vocab } = own.json.model;
  const named = createTokenizer(own.json, { additional_special_tokens: ["owl", { content: "the" }] });
  expect(Object.keys(vocab)).toContain("\u2581the");
  expect(named.encode("the owl", letters)).toEqual(own.encode("the owl", letters));
  expect(named.encode("the owl")).toEqual(own.encode("the owl"));
});
