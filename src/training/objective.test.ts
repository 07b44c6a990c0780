import { describe, expect, test } from "vitest";
import { loraPartOf, type OwlConfig } from "../model/index.ts";
import { microConfig } from "../model/testing/micro.ts";
import { languageObjective } from "./objective.ts";
import type { LoraRecipe, TrainingRecipe } from "./recipe.ts";

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

const recipeOf = (lora: Partial<LoraRecipe>): TrainingRecipe => ({
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
  lora: { rank: 2, alpha: 4, dropout: 0, targets: ["q_proj"], ...lora },
});
const recipe = (...targets: string[]): TrainingRecipe => recipeOf({ targets });

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
  const twofold = { ...microConfig.language, modalityAdaptive: true } as typeof microConfig.language;
  expect(() => loraNames({ ...microConfig, language: twofold }, "v_proj")).toThrow(
    "got v_proj; it has q_proj, k_proj.multiway.0, k_proj.multiway.1, v_proj.multiway.0, v_proj.multiway.1, o_proj",
  );
});

describe("other targets", () => {
  /** Layers with a LoRA, by the last part of their names, and how many there are of each. */
  const layersOf = (lora: Partial<LoraRecipe>, config = microConfig): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { name } of languageObjective(config, recipeOf(lora)).parameters) {
      const part = loraPartOf(name);
      if (part?.part !== "A") continue;
      const last = part.layer.split(".").at(-1)!;
      counts[last] = (counts[last] ?? 0) + 1;
    }
    return counts;
  };
  const said = (lora: Partial<LoraRecipe>, config = microConfig): (() => unknown) => {
    return () => layersOf(lora, config);
  };

  test("all-linear is every linear layer of the language model, but not its output layer", () => {
    const names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
    expect(layersOf({ targets: "all-linear" })).toEqual(Object.fromEntries(names.map((name) => [name, 2])));
  });

  test("a regular expression fits whole names, in the vision encoder too", () => {
    expect(layersOf({ targets: ".*\\.layers\\.1\\..*\\.(up|down)_proj" })).toEqual({
      up_proj: 1,
      down_proj: 1,
    });
    expect(layersOf({ targets: "vision_model\\..*\\.dense" })).toEqual({ dense: 2 });
  });

  test("an expression that fits nothing, or what gets no LoRA, or that Python reads otherwise, is refused", () => {
    expect(said({ targets: ".*qproj" })).toThrow(
      "lora.targets, a regular expression, must fit whole names of linear layers, such as language_model.model.layers.0.",
    );
    expect(said({ targets: "language_model.*(q_proj|layernorm|lm_head)" })).toThrow(
      "which fits language_model.model.layers.0.input_layernorm, language_model.model.layers.0.post_attention_layernorm",
    );
    expect(said({ targets: "q_proj" })).toThrow("got q_proj; as a list: [q_proj]");
    for (const targets of ["(", "\\Aq", "(?<name>q)", "(?P<name>q)", "[]", "\\u{71}", "q++"]) {
      expect(said({ targets }), targets).toThrow(
        "a regular expression that JavaScript and Python read alike, got",
      );
    }
  });

  test("a layer that learns as a whole gets no LoRA beside it", () => {
    expect(said({ targets: ".*w1" })).toThrow(
      /must fit layers that are frozen otherwise, got abstractor\.encoder\.layers\.0\.[^,]*w1, /,
    );
    expect(said({ modulesToSave: ["layers.1"] })).toThrow(
      "got language_model.model.layers.1.self_attn.q_proj,",
    );
  });

  test("modules are named by the ends of their names, as PEFT does", () => {
    const learning = (modulesToSave: readonly string[]): string[] =>
      languageObjective(microConfig, { ...recipeOf({ modulesToSave }), stage: "released" })
        .parameters.filter(({ name, trained }) => trained && loraPartOf(name) === undefined)
        .map(({ name }) => name);
    expect(learning(["lm_head"])).toEqual(["language_model.lm_head.weight"]);
    expect(learning(["model.norm"])).toEqual(["language_model.model.norm.weight"]);
    expect(learning(["layernorm"]).length).toBeGreaterThan(4);
    expect(said({ modulesToSave: ["lm_heat", "query_tokens"] })).toThrow(
      "lora.modulesToSave must name modules of this model by the ends of their names, got lm_heat, query_tokens; did you mean lm_head?",
    );
    const tied = { ...microConfig, language: { ...microConfig.language, tiedEmbeddings: true } };
    expect(said({ modulesToSave: ["embed_tokens"] }, tied)).toThrow(
      "must not name embed_tokens of a model whose output",
    );
  });
});
