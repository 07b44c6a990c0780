import { expect, test } from "vitest";
import { microConfig } from "../model/testing/micro.ts";
import { publishedName } from "./adapter-scope.ts";

test("a LoRA's gradients have the names under which the released training saves its matrices", () => {
  const part = "language_model.model.layers.0.self_attn.q_proj.lora_A.weight";
  expect(publishedName(microConfig, part)).toBe(`base_model.model.${part}`);
  expect(publishedName({ ...microConfig, tilePositions: 15 }, part)).toBe(
    "language_model.base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
  );
});
