import { describe, expect, test } from "vitest";
import type { LanguageConfig } from "./language/families.ts";
import { describeParameters } from "./parameters.ts";
import { microConfig } from "./testing/micro.ts";

const bloom: LanguageConfig = { ...microConfig.language, family: "bloom", keyValueHeads: 4, headDim: 4 };

const learnedTokens = [
  "vision_model.embeddings.cls_token",
  "vision_model.embeddings.position_embedding",
  "query_tokens",
  "abstractor.vit_eos",
];

describe("learned tokens and positions", () => {
  test.each([
    { name: "pictures", config: microConfig, tokens: learnedTokens },
    {
      name: "videos",
      config: { ...microConfig, video: true },
      tokens: [...learnedTokens, "temporal_query_tokens"],
    },
    { name: "BLOOM", config: { ...microConfig, language: bloom }, tokens: learnedTokens },
  ])("of a model of $name are these, and no other parameter", ({ config, tokens }) => {
    const parameters = describeParameters(config);
    expect(
      parameters
        .filter(({ role }) => role === "token")
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(tokens.toSorted());
    // Whatever is added to a model has to be declared as what it is: such are the shapes of tokens.
    const alike = parameters.filter(({ dims }) => dims.length === 3 && dims[0] === 1);
    expect(alike.map(({ name }) => name).toSorted()).toEqual(tokens.toSorted());
  });
});
