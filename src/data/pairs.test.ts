import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { collatePairs, encodePair } from "./pairs.ts";
import type { TokenRow } from "./token-row.ts";

const text = fileURLToPath(new URL("../../tests/fixtures/text", import.meta.url));
let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer(text);
});

const asked = [{ role: "user", content: "what is this?" } as const];
const answered = (...answers: string[]) =>
  answers.flatMap((content) => [...asked, { role: "assistant", content } as const]);

describe("two answers", () => {
  const encoded = (better: string[], other: string[], maxTokens = 200) =>
    encodePair({ text: answered(...better), rejected: answered(...other) }, "row 7", {
      content: "conversation",
      tokenizer,
      tokensPerImage: 3,
      maxTokens,
    });

  test("are learned from where they differ, and with their ends", () => {
    const [one, other] = encoded(["yes", "it is a cat"], ["yes", "it is a cat and a dog"]);
    const first = one.ids.findIndex((id, t) => id !== other.ids[t]);
    expect(one.lossMask.indexOf(true)).toBe(first);
    expect(other.lossMask.indexOf(true)).toBe(first);
    expect(one.ids.slice(0, first)).toEqual(other.ids.slice(0, first));
    expect(one.lossMask.at(-1)).toBe(true);
    expect(one.ids.at(-1)).toBe(tokenizer.eosId);
  });

  test("that are the same, differ before the answer or do not both fit are refused by the row's name", () => {
    expect(() => encoded(["a cat"], ["a cat"])).toThrow(
      "row 7: chosen and rejected must differ, got the same",
    );
    expect(() =>
      encodePair(
        {
          text: answered("a cat"),
          rejected: [
            { role: "user", content: "and this?" },
            { role: "assistant", content: "a cat" },
          ],
        },
        "row 7",
        {
          content: "conversation",
          tokenizer,
          tokensPerImage: 3,
          maxTokens: 200,
        },
      ),
    ).toThrow("row 7: chosen and rejected must differ in their answers alone");
    const long = "cat ".repeat(60);
    expect(() => encoded(["a cat"], [long], 40)).toThrow(
      "row 7: both answers must fit in whole into 40 tokens",
    );
    expect(() => encoded(["yes", "a cat"], ["yes", long.slice(0, 100)], 60)).toThrow(
      /must fit in whole into 60/,
    );
  });
});

test("a batch of pairs has signs at the learned tokens of each pair alone", () => {
  const row = (ids: number[], from: number): TokenRow => ({
    ids,
    spans: [],
    lossMask: ids.map((_, t) => t >= from),
    pixels: [],
    name: "row",
  });
  const pairs = [
    { chosen: row([1, 5, 6, 2], 2), rejected: row([1, 5, 7, 8, 2], 2), reference: 0.5 },
    { chosen: row([1, 9, 2], 1), rejected: row([1, 4, 4, 2], 1), reference: -2 },
  ];
  for (const losses of [4, 64]) {
    const { feeds, sizes, labelCount, tokenCount } = collatePairs(pairs, {
      tokensPerImage: 3,
      imageSize: 4,
      rounding: { tokens: 8, losses },
    });
    expect([sizes.rows, labelCount, tokenCount]).toEqual([4, 2, 3 + 4 + 2 + 3]);
    expect([...feeds.reference.data]).toEqual([0.5, -2]);
    expect([...feeds.loss_weights.data]).toEqual([1, 1]);
    const [pairCount, width] = feeds.pair_signs.dims;
    expect(pairCount).toBe(2);
    const signs = Array.from(feeds.pair_signs.data, Number);
    const labelsOf = (pair: number, sign: number): number[] =>
      Array.from(feeds.labels.data, Number).filter((_, i) => signs[pair * width + i] === sign);
    expect([labelsOf(0, 1), labelsOf(0, -1)]).toEqual([
      [6, 2],
      [7, 8, 2],
    ]);
    expect([labelsOf(1, 1), labelsOf(1, -1)]).toEqual([
      [9, 2],
      [4, 4, 2],
    ]);
  }
});
