import { expect, test } from "vitest";
import type { OwlConfig } from "../model/index.ts";
import { microConfig } from "../model/testing/micro.ts";
import { languageObjective } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";

const { hidden, layers, heads, vocabulary, maxPositions, bosId, eosId, padId } = microConfig.language;
const bloom: OwlConfig = {
  ...microConfig,
  language: {
    family: "bloom",
    hidden,
    layers,
    heads,
    keyValueHeads: heads,
    headDim: hidden / heads,
    intermediate: 4 * hidden,
    vocabulary,
    epsilon: 1e-5,
    maxPositions,
    tiedEmbeddings: true,
    bosId,
    eosId,
    padId,
    initializerRange: 0.3,
  },
};

const recipe = (...targets: string[]): TrainingRecipe => ({
  name: "x",
  stage: "2",
  steps: 1,
  batch: 1,
  maxTokens: 16,
  learningRate: 1e-3,
  schedule: "constant",
  warmup: 0,
  betas: [0.9, 0.99],
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
  seed: 1,
  lora: { rank: 2, alpha: 4, dropout: 0, targets },
});

const loraNames = (config: OwlConfig, ...targets: string[]): string[] =>
  languageObjective(config, recipe(...targets))
    .parameters.map(({ name }) => name)
    .filter((name) => name.includes("lora_"));

test("a LoRA stands where its targets say, in a LLaMA and in a BLOOM", () => {
  expect(loraNames(microConfig, "q_proj", "self_attn.o_proj")).toHaveLength(
    2 * 2 * microConfig.language.layers,
  );
  expect(loraNames(bloom, "query_key_value")).toEqual([
    "language_model.transformer.h.0.self_attention.query_key_value.lora_A.weight",
    "language_model.transformer.h.0.self_attention.query_key_value.lora_B.weight",
    "language_model.transformer.h.1.self_attention.query_key_value.lora_A.weight",
    "language_model.transformer.h.1.self_attention.query_key_value.lora_B.weight",
  ]);
});

test("a target that names no layer is an error that says which there are", () => {
  expect(() => loraNames(bloom, "q_proj", "v_proj")).toThrow(
    "recipe x: lora.targets must name layers of this language model, got q_proj, v_proj; " +
      "it has query_key_value, dense, dense_h_to_4h, dense_4h_to_h",
  );
  expect(() => loraNames(microConfig, "q_proj", "query_key_value")).toThrow(
    "got query_key_value; it has q_proj",
  );
});
