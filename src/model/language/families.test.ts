import { describe, expect, test } from "vitest";
import { type LanguageConfig, languageConfigJson, readLanguageConfig } from "./families.ts";

function read(json: Record<string, unknown>): LanguageConfig | string[] {
  const problems: string[] = [];
  return readLanguageConfig(json, (key, problem) => problems.push(`${key}: ${problem}`)) ?? problems;
}

const llama3 = {
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const llama3Read = {
  kind: "llama3",
  factor: 32,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalPositions: 8192,
};

describe("a LLaMA's rotary settings", () => {
  test.each([
    ["nothing said", {}, 10000, undefined],
    ["a base", { rope_theta: 5e5, rope_scaling: null }, 5e5, undefined],
    [
      "the older spelling",
      { rope_scaling: { type: "linear", factor: 2 } },
      10000,
      { kind: "linear", factor: 2 },
    ],
    [
      "the newer spelling",
      { rope_theta: 5e5, rope_scaling: { rope_type: "llama3", ...llama3 } },
      5e5,
      llama3Read,
    ],
    ["no scaling by name", { rope_scaling: { rope_type: "default" } }, 10000, undefined],
    [
      "all in rope_parameters",
      { rope_parameters: { rope_theta: 5e5, rope_type: "llama3", ...llama3 } },
      5e5,
      llama3Read,
    ],
    [
      "rope_parameters without scaling",
      { rope_parameters: { rope_theta: 1e6, rope_type: "default" } },
      1e6,
      undefined,
    ],
  ])("%s", (_, json, ropeTheta, ropeScaling) => {
    const config = read(json);
    expect(config).toMatchObject({ family: "llama", ropeTheta });
    expect("ropeScaling" in config ? config.ropeScaling : undefined).toEqual(ropeScaling);
  });
});

test("a BLOOM is read by both spellings of its sizes", () => {
  const sizes = { hidden: 4096, layers: 30, heads: 32, keyValueHeads: 32, headDim: 128, intermediate: 16384 };
  const published = {
    model_type: "bloom",
    n_embed: 4096,
    n_layer: 30,
    num_attention_heads: 32,
    vocab_size: 250880,
  };
  const rest = { family: "bloom", tiedEmbeddings: true, padId: 3, epsilon: 1e-5, maxPositions: 2048 };
  expect(read(published)).toMatchObject({ ...sizes, ...rest });
  expect(read({ model_type: "bloom", hidden_size: 4096, num_hidden_layers: 30, n_head: 32 })).toMatchObject(
    sizes,
  );
});

test("of several ends of a sequence the first is taken", () => {
  expect(read({ eos_token_id: [128001, 128009], pad_token_id: null })).toMatchObject({
    eosId: 128001,
    padId: 0,
  });
});

test("what is written reads back as itself", () => {
  const configs = [
    { model_type: "llama", num_key_value_heads: 8, head_dim: 64 },
    { rope_theta: 5e5, rope_scaling: { rope_type: "llama3", ...llama3 }, tie_word_embeddings: true },
    { rope_scaling: { type: "linear", factor: 4 } },
    { model_type: "bloom", hidden_size: 1024, n_head: 16, seq_length: 512, bos_token_id: 5 },
  ];
  for (const json of configs) {
    const config = read(json) as LanguageConfig;
    expect(read(languageConfigJson(config))).toEqual(config);
  }
});

describe("what is not computed is refused, all of it at once", () => {
  test("in a LLaMA", () => {
    const problems = read({
      rope_scaling: { rope_type: "spiral", factor: 4 },
      attention_bias: "yes",
      mlp_bias: 1,
      hidden_act: "relu",
      quantization_config: { bits: 4 },
      partial_rotary_factor: 0.5,
      rope_interleaved: true,
      num_hidden_layers: "many",
    });
    expect((problems as string[]).map((problem) => problem.split(":")[0])).toEqual([
      "hidden_act",
      "attention_bias",
      "mlp_bias",
      "rope_interleaved",
      "num_hidden_layers",
      "quantization_config",
      "partial_rotary_factor",
      "rope_scaling.rope_type",
    ]);
    expect((problems as string[]).at(-1)).toBe(
      'rope_scaling.rope_type: must be one of "default", "linear", "dynamic", "llama3", "yarn", "longrope", got "spiral"',
    );
  });

  test.each([
    ["a scaling without its kind", { rope_scaling: { factor: 2 } }, /rope_scaling.type: .*undefined/],
    ["a scaling without its numbers", { rope_scaling: { type: "llama3", factor: 8 } }, /low_freq_factor/],
    [
      "llama3 the wrong way round",
      { rope_scaling: { type: "llama3", ...llama3, high_freq_factor: 1 } },
      /exceed/,
    ],
    [
      "two spellings at once",
      { rope_parameters: {}, rope_scaling: { type: "linear", factor: 2 } },
      /got both/,
    ],
    [
      "a part of the head that turns",
      { rope_parameters: { partial_rotary_factor: 0.25 } },
      /must be 1, got 0.25/,
    ],
    ["a base that is no number", { rope_parameters: { rope_theta: "big" } }, /must be positive, got "big"/],
    ["scaling by a number", { rope_scaling: 2 }, /must be an object or null, got 2/],
    ["an odd head", { head_dim: 33 }, /multiple of two/],
    [
      "heads that do not divide",
      { num_attention_heads: 6, num_key_value_heads: 4, head_dim: 8 },
      /\(4\), got 6/,
    ],
    ["another family", { model_type: "mamba" }, /"llama", "qwen2", .* or "bloom", got "mamba"/],
    [
      "BLOOM's other residual",
      { model_type: "bloom", apply_residual_connection_post_layernorm: true },
      /got true/,
    ],
    ["BLOOM's heads", { model_type: "bloom", hidden_size: 64, n_head: 5 }, /\(10\), got 64/],
  ])("%s", (_, json, message) => {
    const problems = read(json);
    expect(problems).toHaveLength(message.source.includes("low_freq") ? 2 : 1);
    expect((problems as string[])[0]).toMatch(message);
  });
});
