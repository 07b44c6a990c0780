import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { readRecipeFile } from "./recipe-file.ts";

describe("settings beside a recipe file", () => {
  let directory: string;
  let path: string;
  let owl: Awaited<ReturnType<typeof owlFixture>>;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "owl-set-"));
    path = join(directory, "mine.yaml");
    owl = await owlFixture();
    const files = "data: [{ file: rows.jsonl }, { file: more.jsonl, weight: 2 }]";
    await writeFile(
      path,
      `extends: stage-2\nmodel: ${owl.directory}\noutput: run\n${files}\nsteps: 100\nbatch: 8\n`,
    );
    for (const name of ["rows.jsonl", "more.jsonl"]) await writeFile(join(directory, name), '{"text": "a"}');
  });
  afterAll(() => {
    owl.remove();
    rmSync(directory, { recursive: true });
  });
  const read = (...set: string[]) => readRecipeFile(path, { set });
  const said = (...set: string[]): Promise<string> => read(...set).then(() => "", String);

  it("are keys of a file that extends it: typed, scaled, with their paths relative to it", async () => {
    const { recipe, data, output, scaled } = await read(
      "steps=200",
      "learningRate=1e-3",
      "lora.rank=4",
      "lora.targets=[q_proj]",
      "data.1.weight=3",
      "output=else where",
      "augment=true",
      "learningRateMultipliers.abstractor.encoder=0.5",
      "stage=2",
    );
    const plain = await readRecipeFile(path);
    expect(recipe).toEqual({
      ...plain.recipe,
      steps: 200,
      warmup: 2 * plain.recipe.warmup - 1,
      saveEvery: 20,
      learningRate: 1e-3,
      lora: { ...plain.recipe.lora, rank: 4, targets: ["q_proj"] },
      augment: true,
      learningRateMultipliers: { "abstractor.encoder": 0.5 },
    });
    expect(scaled).toEqual(plain.scaled);
    expect(data).toEqual([plain.data[0], { ...plain.data[1], weight: 3 }]);
    expect(output).toBe(join(directory, "else where"));
    expect((await read("optimizer=lion", "betas=[0.9, 0.99]")).recipe.epsilon).toBeUndefined();
    expect((await read("clip=0.5")).recipe.maxGradNorm).toBe(0.5);
  });

  it("are refused as a file's keys are, all at once", async () => {
    const error = await said(
      "step=1",
      "batch=many",
      "lora.rnk=2",
      "data.0.wieght=2",
      "data.x.weight=2",
      "data.9.weight=2",
      "seed.x=1",
      "extends=stage-1",
      "warmup",
      "a.__proto__.b=1",
      "schedule=[",
    );
    for (const line of [
      "--set: step: no such key; did you mean steps?",
      '--set: batch: must be of type number, got "many"',
      "--set: lora.rnk: no such key; did you mean rank?",
      "--set: data.0.wieght: no such key; did you mean weight?",
      "--set: data.x.weight: must name an element of the list by its number, 0 to 2, got x",
      "--set: data.9.weight: must name an element of the list by its number, 0 to 2, got 9",
      "--set: seed.x: must lead through keys that hold others, got 42 in front of x",
      "--set: extends: belongs in the file, on which all other keys rest",
      "--set: must be key=value, as steps=200 or lora.rank=4, got warmup",
      "--set: a.__proto__.b: no such key",
      "--set: schedule: must be YAML, got [",
    ])
      expect(error.split("\n")).toContain(`  ${line}`);
    expect(await said("stage=full", "lora.rank=2")).toMatch(/--set: lora: stage full trains none/);
    expect(await said("data.0.file=none.jsonl")).toMatch(/none.jsonl: no such file/);
    expect(await said("patience=3")).toMatch(/--set: patience: needs losses on held-out rows/);
    expect(await said("keep.lasst=2")).toMatch(/keep.lasst: no such key; did you mean last\?/);
  });
});
