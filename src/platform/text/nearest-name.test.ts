import { expect, it } from "vitest";
import { nearestName } from "./nearest-name.ts";

const keys = ["batch", "microBatch", "steps", "learningRate", "evaluateEvery", "data", "seed"];

it("finds the name that was meant", () => {
  const meant: Readonly<Record<string, string | undefined>> = {
    batchsize: "batch",
    Batch_Size: "batch",
    "micro-batch": "microBatch",
    learning_rate: "learningRate",
    learnRate: "learningRate",
    leraningRate: "learningRate",
    step: "steps",
    evalEvery: "evaluateEvery",
    SEED: "seed",
    dat: "data",
    colour: undefined,
    x: undefined,
    "": undefined,
  };
  for (const [given, known] of Object.entries(meant))
    expect([given, nearestName(given, keys)]).toEqual([given, known]);
});

it("prefers the nearer of two, and looks at no text of a thousand letters", () => {
  expect(nearestName("max_new_token", ["maxTokens", "maxNewTokens"])).toBe("maxNewTokens");
  expect(nearestName(`batch${"x".repeat(1000)}`, keys)).toBeUndefined();
});
