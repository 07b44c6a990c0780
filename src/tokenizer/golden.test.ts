import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { loadTokenizer, type Tokenizer } from "./index.ts";

interface EncodeCase {
  text: string;
  ids: number[];
  ids_special_split?: number[];
  decoded: string;
  decoded_skip: string;
  special_split_decoded?: string;
  special_split_decoded_skip?: string;
}
interface DecodeCase {
  ids: number[];
  decoded: string;
  decoded_skip: string;
}

describe.skipIf(!sharedAvailable)("LLaMA's tokenizer.model against the reference", () => {
  let tokenizer: Tokenizer;
  let cases: { vocab_size: number; encode: EncodeCase[]; decode: DecodeCase[] };
  beforeAll(async () => {
    tokenizer = await loadTokenizer(shared("golden/tiny-image"));
    cases = JSON.parse(readFileSync(shared("golden/text/tokenizer-cases.json"), "utf8"));
  });

  test("ids of every text", () => {
    expect(cases.encode.length).toBeGreaterThan(200);
    for (const { text, ids, ids_special_split } of cases.encode) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids_special_split ?? ids);
    }
  });

  test("ids of every text whose special tokens are letters, as SentencePiece alone encodes it", () => {
    for (const { text, ids } of cases.encode) {
      expect(tokenizer.encode(text, { splitSpecialTokens: true }), JSON.stringify(text)).toEqual(ids);
    }
    expect(cases.encode.some(({ ids_special_split }) => ids_special_split)).toBe(true);
  });

  test("text of every id list, with and without special tokens, at once and as a stream", () => {
    const lists: DecodeCase[] = [...cases.decode, ...cases.encode];
    for (const one of cases.encode) {
      if (!one.ids_special_split) continue;
      lists.push({
        ids: one.ids_special_split,
        decoded: one.special_split_decoded!,
        decoded_skip: one.special_split_decoded_skip!,
      });
    }
    for (const { ids, decoded, decoded_skip } of lists) {
      expect(tokenizer.decode(ids), String(ids)).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true }), String(ids)).toBe(decoded_skip);
      const stream = tokenizer.stream();
      expect(ids.map(stream.push).join("") + stream.end(), String(ids)).toBe(decoded_skip);
    }
  });

  test("special ids and size", () => {
    const { bosId, eosId, padId, unkId, vocabularySize } = tokenizer;
    expect({ bosId, eosId, padId, unkId }).toEqual({ bosId: 1, eosId: 2, padId: 0, unkId: 0 });
    expect(vocabularySize).toBe(cases.vocab_size);
  });
});

describe.skipIf(!sharedAvailable)("a byte-level tokenizer.json (BLOOM)", () => {
  test("both ways", async () => {
    const tokenizer = await loadTokenizer(shared("golden/tiny-bloom"));
    const { cases }: { cases: EncodeCase[] } = JSON.parse(
      readFileSync(shared("golden/tiny-bloom/tokenizer-cases.json"), "utf8"),
    );
    for (const { text, ids, decoded, decoded_skip } of cases) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
      const letters = tokenizer.encode(text, { splitSpecialTokens: true });
      if (decoded === decoded_skip) expect(letters, JSON.stringify(text)).toEqual(ids);
      else expect(tokenizer.decode(letters, { skipSpecialTokens: true })).toBe(text);
      expect(tokenizer.decode(ids)).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(decoded_skip);
    }
  });
});
