import { expect, test } from "vitest";
import { parseConfig } from "../model/index.ts";
import { mostPrefilled } from "./prefill-limit.ts";

const language = {
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 16,
  vocab_size: 16,
  max_position_embeddings: 64,
};

/** A mPLUG-Owl3 with 4 visual tokens a picture. */
const owl3 = (version: string) =>
  parseConfig({
    ...language,
    model_type: "mplugowl3",
    mplugowl3_version: version,
    hyper_layers: [2],
    vision_config: {
      hidden_size: 8,
      num_hidden_layers: 2,
      num_attention_heads: 1,
      intermediate_size: 8,
      image_size: 28,
      patch_size: 14,
    },
  });

test("a prefill takes as many tokens as the numbers of a layer leave room for, an even number", () => {
  const config = (intermediate: number) =>
    parseConfig({ ...language, model_type: "llama", hidden_size: 4096, intermediate_size: intermediate });
  // 2 ** 24 numbers of four bytes are 64 MiB.
  expect(mostPrefilled(config(11008), 0, 10 ** 6)).toBe(370);
  expect(mostPrefilled(config(4_194_304), 0, 10 ** 6)).toBe(2);
});

test("a prefill takes as many tokens as their scores over all pictures leave room for", () => {
  expect(mostPrefilled(owl3("241014"), 0, 10 ** 6)).toBeGreaterThan(100_000);
  // 4 heads, 4 visual tokens a picture.
  expect(mostPrefilled(owl3("241014"), 1000, 10 ** 6)).toBe(1048);
  expect(mostPrefilled(owl3("241014"), 10 ** 9, 1)).toBe(2);
  // One softmax for both: 1,024 places for the visual tokens, and the text's own positions, with pictures or none.
  for (const pictures of [0, 1, 256]) expect(mostPrefilled(owl3("241101"), pictures, 3072)).toBe(1024);
});
