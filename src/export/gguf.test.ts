// llama.cpp is the judge: it answers the files as the models are answered here.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CheckpointError } from "../checkpoint/index.ts";
import { Owl } from "../owl/index.ts";
import { renderChat } from "../prompt/index.ts";
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
  expect(leftOut.join()).toContain("no chat template says how the model was taught");
  expect(readFileSync(file).length).toBe(bytes);
  const owl = await Owl.load(nano, { threads: 1 });
  const settings = { ...owl.defaults, maxNewTokens: 8, doSample: false, eosTokenIds: [] };
  const [{ ids }] = await owl.generateBatch([{ ids: prompt, pictures: [] }], settings);
  await owl.close();
  expect(await llama.greedy(file, prompt, 8)).toEqual(ids);
});

/** A model whose tokenizer_config.json has further keys, as a GGUF file; what the export says it left out. */
async function exportedWith(
  name: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<{ model: string; file: string; leftOut: readonly string[] }> {
  const model = join(directory, name);
  await randomLanguageModel(model, { model_type: "llama", ...sizes }, "llama3");
  const path = join(model, "tokenizer_config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...settings }));
  const file = join(directory, `${name}.gguf`);
  return { model, file, ...(await exportGguf(model, file, { dtype: "f16" })) };
}

const published = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
const asked = [
  { role: "user", content: "what is it?" },
  { role: "assistant", content: "a fox" },
  { role: "user", content: "and now?" },
] as const;

/** The text of a conversation by the template of a file. */
async function textOf(file: string): Promise<string> {
  return renderChat(asked, await loadTokenizer(file), { variables: { add_generation_prompt: true } });
}

test("the chat template goes along", async () => {
  const { file, leftOut } = await exportedWith("templated", { chat_template: published });
  expect((await loadTokenizer(file)).configuration.chat_template).toBe(published);
  expect(leftOut).toEqual([]);
});

test("the words in front of conversations go along with the chat template", async () => {
  const { file } = await exportedWith("spoken", { chat_template: published, system_prompt: "Be 'brief'." });
  expect(await textOf(file)).toBe(
    "system: Be 'brief'.\nuser: what is it?\nassistant: a fox\nuser: and now?\n",
  );
});

test("a model that was taught here is asked as it was taught, not as its publisher has it", async () => {
  const taught = { system: "Be brief.", user: "Q: ", assistant: "A: ", cut: "pictures" };
  const { model, file } = await exportedWith("taught", { chat_template: published, prompt_template: taught });
  const text = await textOf(file);
  expect(text).toBe("Be brief.\nQ: what is it?\nA: a fox\nQ: and now?\nA: ");
  const owl = await Owl.load(model, { threads: 1 });
  const { ids } = await owl.prompt([...asked]);
  const tokenizer = await loadTokenizer(file);
  await owl.close();
  expect([...tokenizer.start, ...tokenizer.encode(text)]).toEqual([...ids]);
});

test("a template whose cuts no file can say is left out, with a word", async () => {
  const taught = { system: "", user: "Q: ", assistant: "A: ", cut: "turns" };
  const { file, leftOut } = await exportedWith("cut", { chat_template: published, prompt_template: taught });
  expect((await loadTokenizer(file)).configuration.chat_template).toBeUndefined();
  expect(leftOut.join()).toMatch(/no chat template .* "Q: " and "A: "/);
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
