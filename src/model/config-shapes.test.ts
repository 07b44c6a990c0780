import { expect, test } from "vitest";
import { configJson, describeParameters, parseConfig } from "./index.ts";
import { microConfig } from "./testing/micro.ts";

const json = configJson(microConfig) as Record<string, Record<string, unknown>>;
const tensors = new Map(describeParameters(microConfig).map(({ name, dims }) => [name, { dims }]));

test("sizes that config.json leaves out are the tensors'", () => {
  const { num_query_tokens: _, ...rest } = json;
  const without = (section: string, ...keys: string[]): Record<string, unknown> =>
    Object.fromEntries(Object.entries(json[section]).filter(([key]) => !keys.includes(key)));
  const sizes = ["hidden_size", "intermediate_size", "num_hidden_layers"];
  const bare = {
    ...rest,
    vision_config: without("vision_config", "patch_size", ...sizes),
    visual_abstractor_config: without("visual_abstractor_config", ...sizes),
    text_config: without("text_config", "vocab_size", ...sizes),
  };
  expect(parseConfig(bare, "config.json", tensors)).toEqual(parseConfig(json));
  expect(() => parseConfig(bare)).toThrow(/must be a multiple/);
});

test("sizes that config.json names stay, whatever the tensors have", () => {
  const other = {
    ...json,
    visual_abstractor_config: { ...json.visual_abstractor_config, intermediate_size: 999 },
  };
  expect(parseConfig(other, "config.json", tensors).abstractor.intermediate).toBe(999);
});
