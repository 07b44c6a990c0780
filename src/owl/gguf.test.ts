// The files were written by Python's gguf and quantised by llama.cpp, and what they compute was computed by transformers
// from the numbers that Python's gguf takes from them; ids of texts are llama.cpp's (tests/fixtures/gguf).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loraName, readSafetensors } from "../checkpoint/index.ts";
import { Decoder } from "../inference/index.ts";
import { openDevice } from "../runtime/index.ts";
import { float32 } from "../tensor/index.ts";
import { besideLearning, loadParts, Owl } from "./index.ts";

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

/** Whether a file has weights of 4 or 8 bits. */
const isQuantized = (name: string): boolean => !/f16$/.test(name);
/** What rounded activations change logits by at most, root mean square, as a share of their deviation. */
const mostRounded: Readonly<Record<string, number>> = {
  "llama-q4_k_m": 0.02,
  "gemma3-q8_0": 0.045,
  "qwen2-q4_1": 0.04,
};

/** The error's root mean square as a share of the deviation of what is wanted. */
function errorOf(got: readonly number[], wanted: readonly number[]): number {
  const mean = wanted.reduce((sum, value) => sum + value, 0) / wanted.length;
  const variance = wanted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(wanted.reduce((sum, value, i) => sum + (got[i] - value) ** 2, 0) / variance);
}

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

  test("by default products round activations, by as much as that takes and no more", async () => {
    const { model } = await loadParts(fixture(`${name}.gguf`), { threads: 1 });
    const ids = numbers(`${name}.input_ids`);
    const decoder = new Decoder(model, model.newCache(1, ids.length));
    const rows = await decoder.prefill([{ ids, spans: [] }], new Float32Array(), 0, { everyToken: true });
    const got = rows.filter((_, position) => position % stride === 0).flatMap((row) => [...row]);
    await model.close();
    const wanted = numbers(`${name}.logits`);
    expect(got).toHaveLength(wanted.length);
    const error = errorOf(got, wanted);
    expect(error).toBeLessThan(isQuantized(name) ? (mostRounded[name] ?? 0.025) : 1e-5);
    if (isQuantized(name)) expect(error).toBeGreaterThan(0.005);
  });
});

test("a forward pass computes as answers do", async () => {
  const name = "qwen2-q4_1";
  const ids = numbers(`${name}.input_ids`);
  const both: number[][] = [];
  for (const activations of ["int8", "float32"] as const) {
    await using owl = await Owl.load(fixture(`${name}.gguf`), { threads: 1, activations });
    const { logits } = await owl.forward({ ids: [ids] });
    both.push(Array.from(logits.data, Number));
  }
  const error = errorOf(both[0], both[1]);
  expect(error).toBeGreaterThan(0.005);
  expect(error).toBeLessThan(0.04);
});

test("activations of a model in floating point cannot be rounded", async () => {
  await expect(Owl.load(fixture("smollm3-f16.gguf"), { activations: "int8" })).rejects.toThrow(
    /smollm3-f16\.gguf: activations "int8" must be used with a model in 4 or 8 bits/,
  );
  await (await Owl.load(fixture("smollm3-f16.gguf"), { activations: "float32", threads: 1 })).close();
});

test("an adapter that learns beside a GGUF file is read anew for every answer", async () => {
  const module = "language_model.model.layers.0.self_attn.o_proj";
  const lora = new Map(
    (["A", "B"] as const).map((part) => {
      const dims = part === "A" ? [2, 64] : [256, 2];
      return [loraName(module, part), float32(new Float32Array(dims[0] * dims[1]), dims)];
    }),
  );
  const settings = { rank: 2, alpha: 4, dropout: 0, targetModules: ["o_proj"] };
  const file = fixture("llama-q6_k.gguf");
  const device = await openDevice({ threads: 1 });
  const model = await besideLearning(file, { settings, lora, replaced: new Map() }, device);
  const logits = async (): Promise<number[]> => {
    const decoder = new Decoder(model, model.newCache(1, 8));
    return [...(await decoder.prefill([{ ids: [3, 4, 5], spans: [] }], new Float32Array(), 0))[0]];
  };
  const before = await logits();
  for (const { data } of lora.values()) data.fill(1);
  expect(await logits()).not.toEqual(before);
  for (const { data } of lora.values()) data.fill(0);
  expect(await logits()).toEqual(before);
  await model.close();
});
