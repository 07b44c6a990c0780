// What is expected was computed by Hugging Face's tokenizers 0.23.2 and by sentencepiece 0.2.2 (tests/fixtures/parts).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createTokenizer, loadTokenizer } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/parts/${path}`, import.meta.url));
const readJson = (path: string) => JSON.parse(readFileSync(fixture(path), "utf8"));

interface Case {
  readonly form: string;
  readonly text: string;
  readonly ids: number[];
  readonly decoded: string;
}

describe("byte-level tokenizer.json", () => {
  const { cases, smollm_pre_tokenizer }: { cases: Case[]; smollm_pre_tokenizer: object } =
    readJson("tokenizer-cases.json");

  test("as Llama 3 has it: words by a pattern, whole words before merges", async () => {
    const tokenizer = await loadTokenizer(fixture("llama3"));
    const own = cases.filter(({ form }) => form === "llama3");
    expect(own.length).toBeGreaterThan(8);
    for (const { text, ids, decoded } of own) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
      const stream = tokenizer.stream();
      expect(ids.map(stream.push).join("") + stream.end()).toBe(decoded.replace(/<\|[a-z_]+\|>/g, ""));
    }
  });

  test("as SmolLM has it: digit by digit", () => {
    const json = { ...readJson("llama3/tokenizer.json"), pre_tokenizer: smollm_pre_tokenizer };
    const tokenizer = createTokenizer(json, readJson("llama3/tokenizer_config.json"));
    for (const { text, ids, decoded } of cases.filter(({ form }) => form === "smollm")) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
    }
  });

  test("without a token for what is unknown, the end of the sequence fills up", async () => {
    const { bosId, eosId, unkId, padId } = await loadTokenizer(fixture("llama3"));
    expect({ bosId, eosId, unkId, padId }).toEqual({ bosId: 317, eosId: 318, unkId: 318, padId: 318 });
  });
});

test("a tokenizer.model as LLaMA 2 has it", async () => {
  const tokenizer = await loadTokenizer(fixture("llama2"));
  for (const { text, ids } of readJson("sentencepiece-cases.json") as Case[]) {
    expect(tokenizer.encode(text), text).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  }
});
