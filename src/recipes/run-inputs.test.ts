import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { promptTemplate } from "../prompt/index.ts";
import { changedInputs } from "../training/index.ts";
import { loadBaseModel } from "./base-model.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { type RunFiles, runInputs } from "./run-inputs.ts";

const directory = mkdtempSync(join(tmpdir(), "owl-inputs-"));
afterAll(() => rmSync(directory, { recursive: true }));

const inputsOf = async (weight: number, data: RunFiles["data"] = []) => {
  await writeFile(join(directory, "rows.jsonl"), "");
  const files = `[{ file: rows.jsonl, weight: ${weight} }, { file: rows.jsonl, content: caption, weight: 5 }]`;
  const recipe = `extends: stage-2\nmodel: owl-nano\noutput: run\ndata: ${files}`;
  await writeFile(join(directory, "several.yaml"), recipe);
  const plan = await readRecipeFile(join(directory, "several.yaml"));
  const baseModel = await loadBaseModel(plan);
  const template = { ...promptTemplate(baseModel.tokenizer), system: "", cut: "turns" } as const;
  return runInputs(plan, baseModel, { data, evaluation: [], benchmarks: [] }, { template, asText: [] });
};

it("says so where rows come in another order than they did in runs of earlier versions", async () => {
  const name = "sampling weights of the data";
  const { [name]: near } = await inputsOf(10_000);
  const { [name]: far } = await inputsOf(10_000_000);
  expect(near.description).toBe("10000 : 5");
  expect(far.description).toBe("10000000 : 5, of each file a row in about a thousand at least");
  const file = { file: "a.parquet", content: "conversation", length: 4 };
  const fingerprint = { rows: "1", files: "2" };
  const groups = [{ start: 0, end: 4, bytes: 1 }];
  const earlier = await inputsOf(1, [{ ...file, source: { fingerprint } }]);
  const now = await inputsOf(1, [{ ...file, source: { fingerprint, groups } }]);
  expect(changedInputs(earlier, now, false)).toEqual([
    "data 1, the order of its rows: nothing, now by row groups",
  ]);
  expect(changedInputs(earlier, now, true)).toEqual([]);
});

it("has the checksums of earlier versions, whose runs can be resumed so", async () => {
  await writeFile(join(directory, "rows.jsonl"), "");
  const recipe = "extends: stage-2\nmodel: owl-nano\noutput: run\ndata: [{ file: rows.jsonl, weight: 2 }]";
  await writeFile(join(directory, "recipe.yaml"), recipe);
  const plan = await readRecipeFile(join(directory, "recipe.yaml"));
  const baseModel = await loadBaseModel(plan);
  const template = { ...promptTemplate(baseModel.tokenizer), system: "", cut: "turns" } as const;
  const inputs = runInputs(
    plan,
    baseModel,
    { data: [], evaluation: [], benchmarks: [] },
    { template, asText: [] },
  );
  const digests = Object.entries(inputs).map(([name, { digest }]) => [name, digest.slice(0, 16)]);
  expect(Object.fromEntries(digests)).toEqual({
    "sampling weights of the data": "844e4038ed599967",
    template: "29efca20f1091c9f",
    model: "5180b14d5e9a0639",
    tokenizer: "9c7c3596722ac574",
    preprocessing: "80171e987d55ed6a",
  });
});
