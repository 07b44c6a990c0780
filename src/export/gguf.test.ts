// llama.cpp is the judge: it answers the files as the models are answered here.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CheckpointError, openCheckpoint } from "../checkpoint/index.ts";
import { Owl } from "../owl/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { exportGguf, type GgufType } from "./index.ts";
import { type LlamaCpp, openLlamaCpp } from "./testing/llama-cpp.ts";
import { randomLanguageModel } from "./testing/random-language-model.ts";

let llama: LlamaCpp;
const directory = mkdtempSync(join(tmpdir(), "owl-export-gguf-"));
beforeAll(async () => {
  llama = await openLlamaCpp();
});
afterAll(async () => {
  await llama.close();
  rmSync(directory, { recursive: true });
});

const prompt = Array.from({ length: 20 }, (_, i) => 3 + ((i * 37) % 300));
const texts = ["a fox and an owl", " Two  spaces,\n\n12345!", "Zürich 東京 🦉 don't", "x".repeat(20)];

async function greedy(model: string, count = 8): Promise<readonly number[]> {
  const owl = await Owl.load(model, { threads: 1 });
  try {
    const settings = { ...owl.defaults, maxNewTokens: count, doSample: false, eosTokenIds: [] };
    const [{ ids }] = await owl.generateBatch([{ ids: prompt, pictures: [] }], settings);
    return ids;
  } finally {
    await owl.close();
  }
}

const sizes = {
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 96,
  vocab_size: 320,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 128,
  rope_theta: 500,
  bos_token_id: 317,
  eos_token_id: 318,
};
const llama3 = {
  rope_type: "llama3",
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 16,
};
const gemma = {
  head_dim: 32,
  query_pre_attn_scalar: 32,
  sliding_window: 8,
  vocab_size: 400,
  bos_token_id: 1,
};
const families: Record<string, { readonly [key: string]: unknown }> = {
  llama: { rope_scaling: llama3 },
  "llama with biases": { model_type: "llama", attention_bias: true, mlp_bias: true },
  mistral: { head_dim: 32, sliding_window: null },
  qwen2: { rope_scaling: { type: "yarn", factor: 4, original_max_position_embeddings: 16 } },
  qwen3: { head_dim: 32, tie_word_embeddings: true },
  gemma2: { ...gemma, attn_logit_softcapping: 20, final_logit_softcapping: 9 },
  gemma3_text: { ...gemma, num_hidden_layers: 7, rope_local_base_freq: 300 },
  phi3: {
    partial_rotary_factor: 0.75,
    // llama.cpp takes the long factors by the size of its context, which is at least 256 tokens.
    original_max_position_embeddings: 256,
    max_position_embeddings: 256,
    sliding_window: null,
    rope_scaling: {
      type: "longrope",
      short_factor: [1, 1.1, 1.2, 1.3, 1.5, 1.8],
      long_factor: Array(6).fill(2),
    },
  },
  olmo2: { tie_word_embeddings: true },
  granite: {
    embedding_multiplier: 3,
    attention_multiplier: 0.1,
    residual_multiplier: 0.5,
    logits_scaling: 4,
  },
  smollm3: { no_rope_layer_interval: 4 },
};

const modelOf = (name: string): string => join(directory, name.replaceAll(" ", "-"));
const fileOf = (name: string, dtype: GgufType): string => `${modelOf(name)}-${dtype}.gguf`;

async function made(
  name: string,
  settings: Readonly<Record<string, unknown>> = families[name],
): Promise<string> {
  const model = modelOf(name);
  const isGemma = name.startsWith("gemma");
  if (!existsSync(model)) {
    await randomLanguageModel(
      model,
      { model_type: name, ...sizes, ...settings },
      isGemma ? "llama2" : "llama3",
    );
  }
  return model;
}

describe.each(Object.keys(families))("%s", (name) => {
  test("llama.cpp goes on with the same tokens and takes texts for the same ids; so does what is read back", async () => {
    const model = await made(name);
    const file = fileOf(name, "f32");
    await exportGguf(model, file, { dtype: "f32" });
    const own = await greedy(model);
    expect(await llama.greedy(file, prompt, own.length)).toEqual(own);
    expect(await greedy(file)).toEqual(own);
    const tokenizer = await loadTokenizer(model);
    const ids = texts.map((text) => tokenizer.encode(text));
    expect(await llama.tokenize(file, texts)).toEqual(ids);
    const again = await loadTokenizer(file);
    expect(texts.map((text) => again.encode(text))).toEqual(ids);
    expect(again.start).toEqual(tokenizer.start);
  });
});

test.each([
  "f16",
  "bf16",
  "q8_0",
  "q4_0",
] as const)("%s: llama.cpp answers what is read from the file", async (dtype) => {
  const model = await made("llama");
  const file = fileOf("llama", dtype);
  await exportGguf(model, file, { dtype });
  expect(await llama.greedy(file, prompt, 4)).toEqual(await greedy(file, 4));
});

test("the language model of an owl is exported, and what is left behind is said", async () => {
  const nano = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));
  const file = join(directory, "nano.gguf");
  const { leftOut, bytes } = await exportGguf(nano, file, { dtype: "f32" });
  expect(leftOut.join()).toContain("pictures");
  expect(readFileSync(file).length).toBe(bytes);
  const owl = await Owl.load(nano, { threads: 1 });
  const settings = { ...owl.defaults, maxNewTokens: 8, doSample: false, eosTokenIds: [] };
  const [{ ids }] = await owl.generateBatch([{ ids: prompt, pictures: [] }], settings);
  await owl.close();
  expect(await llama.greedy(file, prompt, 8)).toEqual(ids);
});

test("the chat template goes along", async () => {
  const { weights } = await openCheckpoint(await made("llama"));
  await weights.close();
  const model = join(directory, "templated");
  await randomLanguageModel(model, { model_type: "llama", ...sizes }, "llama3");
  const template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
  const config = JSON.parse(readFileSync(join(model, "tokenizer_config.json"), "utf8"));
  const { writeFileSync } = await import("node:fs");
  writeFileSync(join(model, "tokenizer_config.json"), JSON.stringify({ ...config, chat_template: template }));
  const file = join(directory, "templated.gguf");
  await exportGguf(model, file, { dtype: "f16" });
  expect((await loadTokenizer(file)).configuration.chat_template).toBe(template);
});

test("what llama.cpp does not compute is refused, all at once", async () => {
  const refused = async (
    name: string,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<readonly string[]> => {
    const model = await made(name, settings);
    const error = await exportGguf(model, join(directory, "refused.gguf")).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as CheckpointError).problems;
  };
  const dynamic = { type: "dynamic", factor: 2 };
  expect(
    await refused("a mistral with a window", {
      model_type: "mistral",
      sliding_window: 9,
      rope_scaling: dynamic,
    }),
  ).toEqual([
    "sliding_window: must be at least the 256 positions, got 9",
    "rope_scaling: must not be dynamic, which llama.cpp does not know",
  ]);
  expect(
    await refused("gemma3 of another kind", {
      ...gemma,
      model_type: "gemma3_text",
      query_pre_attn_scalar: 9,
      layer_types: Array(4).fill("sliding_attention"),
      final_logit_softcapping: 3,
    }),
  ).toHaveLength(2);
  expect(
    await refused("smollm3 with positions", { model_type: "smollm3", no_rope_layers: [1, 1, 1, 1] }),
  ).toHaveLength(1);
});

test("a file that is there stays", async () => {
  const file = join(directory, "there.gguf");
  copyFileSync(fileURLToPath(import.meta.url), file);
  await expect(exportGguf(await made("llama"), file)).rejects.toThrow("must not be there yet");
});
