import { expect, test } from "vitest";
import { releasedLora } from "./lora.ts";
import { describeParameters } from "./parameters.ts";
import { type Stage, stageScope, stages } from "./stages.ts";
import { microConfig } from "./testing/micro.ts";

function trainedModules(stage: Stage): string[] {
  const table = describeParameters(microConfig, stageScope(stage, releasedLora(microConfig.language)));
  const trained = new Set(table.filter((row) => row.trained).map((row) => row.module));
  const frozen = new Set(table.filter((row) => !row.trained).map((row) => row.module));
  // A part learns as a whole or not at all.
  for (const module of trained) expect(frozen).not.toContain(module);
  return [...trained];
}

test("each stage trains its parts and nothing else", () => {
  expect(trainedModules("language")).toEqual(["language model"]);
  expect(trainedModules("vision")).toEqual(["vision encoder"]);
  expect(trainedModules("1")).toEqual(["vision encoder", "visual abstractor"]);
  expect(trainedModules("2")).toEqual(["visual abstractor", "LoRA"]);
  expect(trainedModules("released")).toEqual(["LoRA"]);
  expect(trainedModules("full")).toEqual(["language model"]);
});

test("only stages with a LoRA have its parameters, on query and value projections", () => {
  for (const stage of Object.keys(stages) as Stage[]) {
    const names = describeParameters(microConfig, stageScope(stage, releasedLora(microConfig.language)))
      .filter(({ module }) => module === "LoRA")
      .map(({ name }) => name);
    expect(names).toHaveLength(stages[stage].lora ? 4 * microConfig.language.layers : 0);
    for (const name of names) expect(name).toMatch(/self_attn\.[qv]_proj\.lora_[AB]\.weight$/);
  }
});

test("a LoRA starts as PEFT starts it: A within ±1/√width, B zero", () => {
  const table = describeParameters(
    microConfig,
    stageScope("2", { ...releasedLora(microConfig.language), rank: 4, alpha: 8 }),
  );
  const name = "language_model.model.layers.0.self_attn.q_proj.lora_";
  const a = table.find((row) => row.name === `${name}A.weight`)!;
  expect(a.dims).toEqual([4, microConfig.language.hidden]);
  expect(a.initial).toEqual({ kind: "uniform", bound: 1 / Math.sqrt(microConfig.language.hidden) });
  const b = table.find((row) => row.name === `${name}B.weight`)!;
  expect(b.dims).toEqual([24, 4]);
  expect(b.initial).toEqual({ kind: "constant", value: 0 });
});
