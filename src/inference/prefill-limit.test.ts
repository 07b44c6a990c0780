import { expect, test } from "vitest";
import { parseConfig } from "../model/index.ts";
import { mostPrefilled } from "./prefill-limit.ts";
import { tinyLanguage, tinyOwl3 } from "./testing/tiny-owl3.ts";

test("a prefill takes as many tokens as the numbers of a layer leave room for, an even number", () => {
  const config = (intermediate: number) =>
    parseConfig({ ...tinyLanguage, model_type: "llama", hidden_size: 4096, intermediate_size: intermediate });
  // 2 ** 24 numbers of four bytes are 64 MiB.
  expect(mostPrefilled(config(11008), 0, 10 ** 6)).toBe(370);
  expect(mostPrefilled(config(4_194_304), 0, 10 ** 6)).toBe(2);
});

test("a prefill takes as many tokens as their scores over all pictures leave room for", () => {
  expect(mostPrefilled(tinyOwl3("241014"), 0, 10 ** 6)).toBeGreaterThan(100_000);
  // 4 heads, 4 visual tokens a picture.
  expect(mostPrefilled(tinyOwl3("241014"), 1000, 10 ** 6)).toBe(1048);
  expect(mostPrefilled(tinyOwl3("241014"), 10 ** 9, 1)).toBe(2);
  // One softmax for both: 1,024 places for the visual tokens, and the text's own positions, with pictures or none.
  for (const pictures of [0, 1, 256]) expect(mostPrefilled(tinyOwl3("241101"), pictures, 3072)).toBe(1024);
});
