import { expect, it } from "vitest";
import { processorCount } from "../platform/index.ts";
import { accumulationSteps, alone } from "../training/index.ts";
import { publishedRecipes } from "./published.ts";
import type { RunPlan } from "./recipe-file.ts";
import { microBatchesForAll, threadsOfEach } from "./several-processes.ts";

const planOf = (batch: number, microBatch: number): RunPlan => ({
  recipe: { ...publishedRecipes["stage-2"].recipe, batch, microBatch },
  output: "run",
  data: [],
  evaluation: [],
  scaled: [],
});

it("micro-batches are as large as leave one for each process, and never larger than before", () => {
  const many = planOf(256, 4);
  expect(microBatchesForAll(many, 64, 1)).toBe(many);
  for (const [batch, processes, expected] of [
    [8, 1, 8],
    [8, 2, 4],
    [8, 3, 3],
    [8, 8, 1],
    [5, 4, 1],
  ]) {
    const { recipe } = microBatchesForAll(planOf(batch, batch), processes, 1);
    expect(recipe.microBatch).toBe(expected);
    expect(accumulationSteps(recipe)).toBeGreaterThanOrEqual(processes);
  }
  expect(() => microBatchesForAll(planOf(2, 1), 3, 1)).toThrow(
    /must have a row for each of the 3, got batch 2; start fewer/,
  );
  expect(() => microBatchesForAll(many, 2, 2)).toThrow(/must be 1 in each of several processes, got 2/);
});

it("processes that share processors divide them", () => {
  expect(threadsOfEach({}, alone).threads).toBe(processorCount());
  expect(threadsOfEach({}, { ...alone, sharing: 1000 }).threads).toBe(1);
  expect(threadsOfEach({ threads: 7 }, { ...alone, sharing: 2 }).threads).toBe(7);
});
