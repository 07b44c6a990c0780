import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTokenizer, type Tokenizer } from "./index.ts";

const directory = fileURLToPath(new URL("../../tests/fixtures/text", import.meta.url));
const byte = (value: number) => 3 + value;

describe("a tokenizer with byte fallback", () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(directory);
  });

  // U+2581 stands for a space and comes back as one; half a surrogate pair is no text.
  const text = fc
    .oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[a-z ".?\n0-9A-Z]{0,60}$/))
    .map((value) => value.replaceAll("\u2581", " "))
    .filter((value) => !/<\/?s>|<unk>/.test(value));

  test("gives every text back", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(tokenizer.decode(tokenizer.encode(value))).toBe(value);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  test("merges as the definition says: always the earliest merge of the list, leftmost first", () => {
    const { vocab, merges } = tokenizer.json.model;
    const rank = new Map((merges as string[]).map((merge, index) => [merge, index]));
    const slow = (value: string): number[] => {
      const symbols = [...`\u2581${value.replaceAll(" ", "\u2581")}`];
      for (;;) {
        const ranks = symbols
          .slice(1)
          .map((right, i) => rank.get(`${symbols[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
        const best = Math.min(...ranks);
        if (best === Number.POSITIVE_INFINITY) break;
        const at = ranks.indexOf(best);
        symbols.splice(at, 2, symbols[at] + symbols[at + 1]);
      }
      return symbols.flatMap((symbol) => vocab[symbol] ?? [...new TextEncoder().encode(symbol)].map(byte));
    };
    fc.assert(
      fc.property(text, (value) => {
        expect(tokenizer.encode(value)).toEqual(value === "" ? [] : slow(value));
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  test("a stream of any ids adds up to their text", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(511), { maxLength: 40 }), (ids) => {
        const stream = tokenizer.stream();
        const pieces = ids.map(stream.push);
        expect(pieces.join("") + stream.end()).toBe(tokenizer.decode(ids, { skipSpecialTokens: true }));
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  test("a stream never shows a part of a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-composite" }), (value) => {
        const stream = tokenizer.stream();
        for (const id of tokenizer.encode(value))
          expect(stream.push(id)).not.toMatch(/[\ufffd\p{Surrogate}]/u);
        expect(stream.end()).toBe("");
      }),
      { numRuns: 300, seed: 4 },
    );
    const stream = tokenizer.stream();
    expect([0xf0, 0x9f, 0xa6, 0x89].map((value) => stream.push(byte(value)))).toEqual(["", "", "", "🦉"]);
  });

  test("bytes that are no character become one U+FFFD each", () => {
    const decode = (...bytes: number[]) => tokenizer.decode(bytes.map(byte));
    expect(decode(0xf0, 0x9f)).toBe("\ufffd\ufffd");
    expect(decode(0xf0, 0x9f, 0x41)).toBe("\ufffd\ufffdA");
    expect(decode(0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf4, 0x90)).toBe("\ufffd".repeat(7));
    expect(decode(0xef, 0xbb, 0xbf, 0xc3, 0xa9)).toBe("\ufeffé");
  });

  test("special tokens are cut out of the text, written out or skipped, with spaces as the reference has them", () => {
    const { bosId, eosId, unkId } = tokenizer;
    const [owl] = tokenizer.encode("owl");
    expect(tokenizer.encode("<s>owl</s>")).toEqual([bosId, owl, eosId]);
    expect(tokenizer.decode([bosId!, owl, owl, eosId])).toBe("<s> owl owl</s>");
    expect(tokenizer.decode([owl, eosId, eosId, owl])).toBe(" owl</s></s>owl");
    expect(tokenizer.decode([owl, eosId, unkId, owl], { skipSpecialTokens: true })).toBe("owl owl");
  });

  test("an id outside the vocabulary is an error", () => {
    for (const id of [-1, 512, 1.5])
      expect(() => tokenizer.decode([id])).toThrow(`ids must be 0 to 511, got ${id}`);
  });

  test("half a surrogate pair is encoded as U+FFFD", () => {
    expect(tokenizer.decode(tokenizer.encode("a\ud83e b"))).toBe("a\ufffd b");
  });
});
