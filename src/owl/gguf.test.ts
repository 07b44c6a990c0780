// The files were written by Python's gguf and quantised by llama.cpp, and what they compute was computed by transformers
// from the numbers that Python's gguf takes from them; ids of texts are llama.cpp's (tests/fixtures/gguf).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors } from "../checkpoint/index.ts";
import { Decoder } from "../inference/index.ts";
import { Owl } from "./index.ts";
import { loadParts } from "./load.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/gguf/${name}`, import.meta.url));
const expected = await readSafetensors(fixture("expected.safetensors"));
const tokenized: Record<string, { readonly text: string; readonly ids: number[] }[]> = JSON.parse(
  readFileSync(fixture("tokenized.json"), "utf8"),
);

const numbers = (name: string): number[] =>
  Array.from<number | bigint, number>(expected.get(name)!.data, Number);

/** Every how many positions logits are in the fixtures. */
const stride = 10;

describe.each(Object.keys(tokenized))("%s", (name) => {
  test("logits, greedy tokens and ids of texts", async () => {
    const owl = await Owl.load(fixture(`${name}.gguf`), { threads: 1, activations: "float32" });
    try {
      const ids = numbers(`${name}.input_ids`);
      const { logits } = await owl.forward({ ids: [ids] });
      const wanted = numbers(`${name}.logits`);
      const width = owl.config.language.vocabulary;
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (const [i, value] of wanted.entries()) {
        const at = Math.floor(i / width) * stride * width + (i % width);
        expect(Math.abs(Number(logits.data[at]) - value)).toBeLessThan(2e-5 * largest);
      }
      const settings = { ...owl.defaults, maxNewTokens: 10, doSample: false, eosTokenIds: [] };
      const [answer] = await owl.generateBatch([{ ids, pictures: [] }], settings);
      expect(answer.ids).toEqual(numbers(`${name}.greedy`));
      for (const { text, ids: wantedIds } of tokenized[name]) {
        expect(owl.tokenizer!.encode(text), JSON.stringify(text)).toEqual(wantedIds);
      }
    } finally {
      await owl.close();
    }
  });

  test("by default, with rounded activations, logits within a twentieth of their deviation", async () => {
    const { model } = await loadParts(fixture(`${name}.gguf`), { threads: 1 });
    const ids = numbers(`${name}.input_ids`);
    const decoder = new Decoder(model, model.newCache(1, ids.length));
    const rows = await decoder.prefill([{ ids, spans: [] }], new Float32Array(), 0, { everyToken: true });
    const got = rows.filter((_, position) => position % stride === 0).flatMap((row) => [...row]);
    await model.close();
    const wanted = numbers(`${name}.logits`);
    const mean = wanted.reduce((sum, value) => sum + value, 0) / wanted.length;
    const variance = wanted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const error = wanted.reduce((sum, value, i) => sum + (got[i] - value) ** 2, 0);
    expect(got).toHaveLength(wanted.length);
    expect(Math.sqrt(error / variance)).toBeLessThan(0.05);
  });
});
