import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { promptTemplate } from "../prompt/index.ts";
import { loadBaseModel } from "./base-model.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { runInputs } from "./run-inputs.ts";

const directory = mkdtempSync(join(tmpdir(), "owl-inputs-"));
afterAll(() => rmSync(directory, { recursive: true }));

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
    model: "a7520c7a6bb4f875",
    tokenizer: "b7892a7fb193b859",
    preprocessing: "e31786673dd0218a",
  });
});
