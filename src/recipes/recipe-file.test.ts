import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import type { OwlConfig } from "../model/index.ts";
import { microConfig } from "../model/testing/micro.ts";
import { requirePackable } from "./packable.ts";
import { publishedRecipes } from "./published.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { prepareRun } from "./run.ts";

let directory: string;
let owl: Awaited<ReturnType<typeof owlFixture>>;
const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(directory, name), text);
  return join(directory, name);
};
/** What is said of a recipe with these lines beside a model, rows and an output. */
const said = async (name: string, lines: string): Promise<string> =>
  readRecipeFile(
    await write(name, `model: ${owl.directory}\noutput: run\ndata: [{ file: rows.jsonl }]\n${lines}`),
  ).then(() => "", String);
const numbersOf = async (name: string, lines: string) => {
  const path = await write(
    name,
    `model: ${owl.directory}\noutput: run\ndata: [{ file: rows.jsonl }]\n${lines}`,
  );
  return readRecipeFile(path);
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "owl-recipe-file-"));
  owl = await owlFixture();
  await write("rows.jsonl", JSON.stringify({ text: "Human: hi\nAI: hello" }));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
  owl.remove();
});

describe("a published recipe's numbers", () => {
  it("stay as they are where no file gives others", async () => {
    for (const [name, { recipe }] of Object.entries(publishedRecipes)) {
      const plan = await numbersOf(`${name}.yaml`, `extends: ${name}`);
      expect({ ...plan.recipe, name }).toEqual({ ...recipe });
      expect(plan.scaled).toEqual([]);
    }
  });

  it("fit the steps and the batch that a file gives", async () => {
    const small = await numbersOf("small.yaml", "extends: stage-1\nsteps: 200\nbatch: 4");
    expect(small.recipe).toMatchObject({ steps: 200, warmup: 8, batch: 4, microBatch: 4, saveEvery: 20 });
    expect(small.scaled).toEqual(["warmup", "saveEvery", "microBatch"]);
    const odd = await numbersOf("odd.yaml", "extends: stage-1\nsteps: 1\nbatch: 12");
    expect(odd.recipe).toMatchObject({ warmup: 0, microBatch: 6, saveEvery: 1 });
    const larger = await numbersOf("larger.yaml", "extends: stage-2\nsteps: 100000");
    expect(larger.recipe).toMatchObject({ warmup: 2500, saveEvery: 200 });
    const own = await numbersOf(
      "own.yaml",
      "extends: small.yaml\nbatch: 6\nwarmup: 3\nmicroBatch: 8\nsaveEvery: 7",
    );
    expect(own.recipe).toMatchObject({ warmup: 3, batch: 6, microBatch: 6, saveEvery: 7 });
    expect(await said("much.yaml", "extends: own.yaml\nsteps: 3")).toMatch(
      /own.yaml, line 6: warmup: must be less/,
    );
  });
});

describe("what is wrong in a recipe", () => {
  it("is told with line and nearest key, in the file, in what it extends, and inside of keys", async () => {
    const parent = "extends: stage-1\nlearning_rate: 1\nschedule: cosin";
    await write("parent.yaml", parent);
    const lines = [
      "extends: parent.yaml",
      "batchsize: 4",
      "lora:",
      "  rank: 8",
      "  alfa: 3",
      "  targets: q_proj",
    ];
    const more =
      "evaluation:\n  - file: rows.jsonl\n    size: 2\n  - file: none.jsonl\n    shares: 2\nzzz: 1";
    const error = await said("child.yaml", `${lines.join("\n")}\n${more}`);
    for (const part of [
      "  line 5: batchsize: no such key; did you mean batch?",
      "  line 8: lora.alfa: no such key; did you mean alpha?",
      /line 9: lora.targets: must be a list .*\[q_proj\].*, got "q_proj"/,
      /line 12: evaluation.0.size: no such key; docs/,
      /line 13: .*none.jsonl: no such file/,
      "  line 14: evaluation.1.shares: no such key; did you mean weight?",
      "  line 15: zzz: no such key; docs/training.md lists the keys",
      /parent.yaml, line 2: learning_rate: no such key; did you mean learningRate\?/,
      /parent.yaml, line 3: schedule: .*"cosine".*got "cosin"/,
    ]) {
      expect(error).toMatch(part);
    }
  });

  it("is told of a LoRA's variants too", async () => {
    const lora = (keys: string): string => `extends: stage-2\nlora: { rank: 2, alpha: 4, ${keys} }`;
    const good = "targets: all-linear, useRslora: true, useDora: true, modulesToSave: [lm_head]";
    expect((await numbersOf("variants.yaml", lora(good))).recipe.lora).toEqual({
      rank: 2,
      alpha: 4,
      dropout: 0,
      targets: "all-linear",
      useRslora: true,
      useDora: true,
      modulesToSave: ["lm_head"],
    });
    expect(await said("near.yaml", lora("targets: [q_proj], use_dora: true"))).toMatch(
      /lora\.use_dora: no such key; did you mean useDora\?/,
    );
    expect(await said("pattern.yaml", lora('targets: "(q|v"'))).toMatch(
      /regular expression .*, got "\(q\|v"/,
    );
  });

  it("is data that is no list of files", async () => {
    expect(await said("data.yaml", "extends: stage-1\nevaluation: [rows.jsonl, { file: 3 }]")).toMatch(
      /evaluation.0: a file of rows, as \{ file: rows.jsonl \}, got "rows.jsonl"\n.*evaluation.1.file: must be of type string, got 3/,
    );
    expect(await said("list.yaml", "extends: stage-1\nevaluation: rows.jsonl")).toContain(
      'evaluation: a list of files of rows, as [{ file: rows.jsonl }], got "rows.jsonl"',
    );
  });

  it("is a LoRA where none is trained, and a factor on the rate of no parameter", async () => {
    const lora = "lora: { rank: 2, alpha: 4, targets: [q_proj] }";
    expect(await said("lora.yaml", `extends: full\n${lora}`)).toMatch(/line 5: lora: stage full trains none/);
    await said("parent-lora.yaml", `extends: stage-2\n${lora}`);
    expect(await said("child-full.yaml", "extends: parent-lora.yaml\nstage: full")).toBe("");
    const factors = "extends: stage-2\nlearningRateMultipliers: { abstracter: 2, lora: 2, nothing: 1 }";
    await said("factors.yaml", factors);
    const error = await prepareRun(join(directory, "factors.yaml")).catch(String);
    expect(error).toMatch(/learningRateMultipliers.abstracter: .*did you mean abstractor\?/);
    expect(error).toMatch(/learningRateMultipliers.nothing: .*begin with .*language_model/);
  });

  it("stands beside what is wrong in the rows", async () => {
    await write("bad.jsonl", '{"text": 3}\n{"text": "Human: <image>\\nAI: a"}');
    const path = await write(
      "both.yaml",
      `extends: stage-2\nstep: 3\nmodel: ${owl.directory}\ndata: [{ file: bad.jsonl }]`,
    );
    const error = await prepareRun(path).catch(String);
    expect(error).toMatch(/line 2: step: no such key; did you mean steps/);
    expect(error).toMatch(/output: missing/);
    expect(error).toMatch(/line 1: "text" must be a text/);
    expect(error).toMatch(/line 2: needs one <image> mark a picture/);
  });

  it("is told once where it cannot be read, and nothing of what would follow from that", async () => {
    const all = async (name: string, text: string) => readRecipeFile(await write(name, text)).catch(String);
    expect(await all("indented.yaml", "extends: stage-2\n model: owl-nano\noutput: b")).toMatch(
      /got 1 problem:\n {2}line 1: the file: must be YAML, got what cannot be read: .*$/,
    );
    const row = JSON.stringify({ text: "Human: hi\nAI: hello" });
    expect(await all("rows-as-recipe.jsonl", `${row}\n${row}\n${row}`)).toMatch(
      /got 1 problem:\n {2}line 2: the file: must be a recipe, got rows of data; .*$/,
    );
    expect(await all("words.yaml", "hello")).toMatch(/got 1 problem:\n {2}the file: must have keys .*$/);
    await write("broken.yaml", "steps: [3");
    expect(await all("child.yaml", "extends: broken.yaml\nstep: 3")).toMatch(
      /got 2 problems:\n {2}line 2: step: .*\n {2}\S*broken.yaml, line 1: the file: must be YAML.*$/,
    );
  });

  it("is told where YAML itself is wrong, and JSON is YAML", async () => {
    expect(await said("twice.yaml", "extends: stage-2\nsteps: 5\nseed: 1\nsteps: 6\nbatchs: 1")).toMatch(
      /line 7: steps: keys must be unique[\s\S]*line 8: batchs: .*did you mean batch/,
    );
    expect(await said("tab.yaml", "extends: stage-2\nlora:\n\trank: 8")).toMatch(/line 6: .*[Tt]ab/);
    const torn = await said("torn.yaml", "extends: stage-2\nbetas: [0.9");
    expect(torn).toMatch(/line 5: .*\]/);
    expect(torn).not.toMatch(/missing|model: names/);
    expect(await said("over-torn.yaml", "extends: torn.yaml\nbatchs: 2")).toMatch(
      /line 5: batchs: [\s\S]*torn.yaml, line 5/,
    );
    expect(await said("infinite.yaml", "extends: stage-2\nlearningRate: .inf\nmaxGradNorm: .nan")).toMatch(
      /learningRate: .*got Infinity[\s\S]*maxGradNorm: .*got NaN/,
    );
    const merged = "extends: stage-2\nlora: { <<: { rank: 2, alpha: 4 }, alpha: 8, targets: [q_proj] }";
    expect(await numbersOf("merged.yaml", merged)).toMatchObject({ recipe: { lora: { rank: 2, alpha: 8 } } });
    expect(await readRecipeFile(await write("list.yaml", "- a")).catch(String)).toMatch(
      /must have keys .*got \["a"\]/,
    );
    expect(await readRecipeFile(await write("empty.yaml", "")).catch(String)).toMatch(
      /must have keys .*got null/,
    );
    const json = {
      extends: "stage-1",
      stage: 1,
      model: owl.directory,
      output: "run",
      data: [{ file: "rows.jsonl" }],
    };
    expect((await readRecipeFile(await write("recipe.json", JSON.stringify(json)))).recipe.stage).toBe("1");
    expect(await said("self.yaml", "extends: self.yaml")).toMatch(/line 4: extends: goes round in a circle/);
    expect(await said("near.yaml", "extends: stage2")).toMatch(
      /line 4: extends: must be one of .*did you mean stage-2\?/,
    );
  });

  it("stays short whatever was given", async () => {
    const long = "x".repeat(5000);
    const error = await said(
      "long.yaml",
      `extends: stage-2\n${long}: 1\nschedule: ${long}\nstage: [${long}]`,
    );
    expect(error.length).toBeLessThan(1000);
  });

  it("is a model that is a file, and an output that is one or that would write over what the run reads", async () => {
    const weights = join(owl.directory, "model.safetensors");
    const file = await said("file.yaml", `extends: stage-2`.replace("", `tokenizer: ${weights}\n`));
    expect(file).toMatch(/line 4: tokenizer: must be a directory .*got the file/);
    await mkdir(join(directory, "before/model"), { recursive: true });
    const lines = "extends: stage-2\nmodel: before/model\noutput: before\ndata: [{ file: rows.jsonl }]";
    const over = await readRecipeFile(await write("over.yaml", lines)).catch(String);
    expect(over).toMatch(/line 3: output: .*before\/model would be written over by the run that reads it/);
    const taken = lines
      .replace("output: before", "output: rows.jsonl")
      .replace("before/model", owl.directory);
    expect(await readRecipeFile(await write("taken.yaml", taken)).catch(String)).toMatch(
      /output: must be a directory/,
    );
  });
});

describe("a model from nothing", () => {
  const fresh = (stage: string, more = "") =>
    `extends: ${stage}\nsteps: 2\nbatch: 2\nmaxTokens: 128\nconfig: nano\ntokenizer: ${owl.directory}\noutput: run\ndata: [{ file: rows.jsonl, content: conversation }]\n${more}`;

  it("has owl-nano's sizes and the tokenizer's vocabulary", async () => {
    const { parameters, plan } = await prepareRun(await write("language.yaml", fresh("language")));
    expect(plan.config).toBe("nano");
    expect(parameters.find(({ name }) => name.endsWith("embed_tokens.weight"))?.dims).toEqual([512, 256]);
  });

  it("is left out by a recipe that extends it and names a model", async () => {
    await write("begins.yaml", fresh("language"));
    const lines = `extends: begins.yaml\nmodel: ${owl.directory}`;
    const plan = await readRecipeFile(await write("goes-on.yaml", lines));
    expect([plan.model, plan.config, plan.tokenizer]).toEqual([owl.directory, undefined, undefined]);
  });

  it("does not train against what is random and stays so, unless that is said to be meant", async () => {
    await write("red.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    const row = { image: ["red.svg"], text: "Human: <image>\nHuman: hi\nAI: hello" };
    await write("rows.jsonl", JSON.stringify(row));
    for (const [stage, part] of [
      ["stage-1", "the language model, random"],
      ["stage-2", "the language model and the vision encoder, random"],
      ["stage-2-released", "the language model and the vision encoder and the visual abstractor"],
      ["full", "the vision encoder and the visual abstractor"],
    ]) {
      const path = await write(`${stage}.yaml`, fresh(stage));
      await expect(prepareRun(path)).rejects.toThrow(`would train against ${part}`);
      const meant = await write(`${stage}.yaml`, fresh(stage, "allowFrozenRandom: true"));
      expect((await prepareRun(meant)).rows).toEqual([1]);
    }
  });

  it("does not train either against what the runs before it have left random", async () => {
    await write("red.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await write("words.jsonl", JSON.stringify({ text: "Human: hi\nAI: hello" }));
    const row = { image: ["red.svg"], text: "Human: <image>\nHuman: hi\nAI: hello" };
    await write("rows.jsonl", JSON.stringify(row));
    const words = fresh("language")
      .replace("rows.jsonl", "words.jsonl")
      .replace("output: run", "output: words");
    await (await prepareRun(await write("words.yaml", words))).start({ device: { threads: 1 } });
    const on = (model: string, stage: string, data: string): Promise<string> =>
      write(
        "on.yaml",
        `extends: ${stage}\nsteps: 1\nbatch: 1\nmaxTokens: 128\nmodel: ${model}\noutput: ${stage}\ndata: [{ file: ${data}, content: conversation }]`,
      );
    await expect(prepareRun(await on("words", "stage-2", "rows.jsonl"))).rejects.toThrow(
      /would train against the vision encoder, random/,
    );
    expect((await prepareRun(await on("words", "stage-2", "words.jsonl"))).rows).toEqual([1]);
    const eyes = await prepareRun(await on("words", "stage-1", "rows.jsonl"));
    await eyes.start({ device: { threads: 1 } });
    expect((await prepareRun(await on("stage-1", "stage-2", "rows.jsonl"))).rows).toEqual([1]);
  });
});

describe("keys by their former names", () => {
  it("are read as what they are called now", async () => {
    const former = await numbersOf(
      "former.yaml",
      "extends: stage-2\nclip: 0.5\nfloor: 0.1\nrateFactors: { lora: 2 }\nevaluation: [{ file: rows.jsonl, share: 3 }]",
    );
    expect(former.recipe).toMatchObject({
      maxGradNorm: 0.5,
      minLearningRateRatio: 0.1,
      learningRateMultipliers: { lora: 2 },
    });
    expect(former.evaluation).toMatchObject([{ weight: 3 }]);
    expect(Object.keys(former.recipe)).not.toContain("clip");
  });

  it("are told by their lines, and refused beside the current ones", async () => {
    const both = "extends: stage-2\nclip: 1\nmaxGradNorm: 1\nfloor: 2";
    const error = await said("both.yaml", both);
    expect(error).toContain("line 5: maxGradNorm: clip is its former name; give one of the two");
    expect(error).toMatch(/line 7: minLearningRateRatio: .*got 2/);
  });
});

describe("an optimizer", () => {
  it("brings its own hyperparameters, and those of an inherited one go", async () => {
    const sgd = await numbersOf("sgd.yaml", "extends: stage-2\noptimizer: sgd\nmomentum: 0.9");
    expect(sgd.recipe).toMatchObject({ optimizer: "sgd", momentum: 0.9, weightDecay: 1e-4 });
    expect([sgd.recipe.betas, sgd.recipe.epsilon]).toEqual([undefined, undefined]);
    for (const betas of ["[0.9, 1]", "[1, 0.999]"])
      expect(await said("still.yaml", `extends: stage-2\nbetas: ${betas}`)).toMatch(
        /betas.*<1|betas.*less than 1|betas.*below 1/,
      );
    const lion = await numbersOf("lion.yaml", "extends: stage-2\noptimizer: lion\nbetas: [0.9, 0.99]");
    expect(lion.recipe).toMatchObject({ optimizer: "lion", betas: [0.9, 0.99] });
    expect(lion.recipe.epsilon).toBeUndefined();
    expect((await numbersOf("named.yaml", "extends: stage-2\noptimizer: adamw")).recipe.epsilon).toBe(1e-6);
  });

  it("is refused without them, with those of another, and by a wrong name", async () => {
    expect(await said("bare.yaml", "extends: stage-2\noptimizer: sgd")).toMatch(/ {2}momentum: missing/);
    expect(await said("foreign.yaml", "extends: sgd.yaml\nbetas: [0.9, 0.99]")).toMatch(
      /line 5: betas: optimizer sgd takes weightDecay, momentum; betas is of adamw, lion\. Leave it out/,
    );
    expect(await said("default.yaml", "extends: stage-2\nmomentum: 0.9")).toMatch(
      /line 5: momentum: optimizer adamw takes weightDecay, betas, epsilon/,
    );
    expect(await said("name.yaml", "extends: stage-2\noptimizer: adam")).toMatch(
      /line 5: optimizer: .*"adamw"\|"sgd"\|"lion", got "adam"/,
    );
  });
});

describe("rows that share sequences", () => {
  it("are refused where the recipe means something else by it", async () => {
    const joined = await said("joined.yaml", "extends: stage-2\npacking: joined");
    expect(joined).toMatch(/packing: joined lets texts see those in front.*got stage 2; name separate/);
    const pairs = await said("pairs.yaml", "extends: stage-2\ndpo: {}\npacking: separate");
    expect(pairs).toMatch(/packing: must be none with dpo/);
    expect(await said("packed.yaml", "extends: language\npacking: separate")).toBe("");
  });

  it("are refused where a row's angles would depend on the others", async () => {
    const language = {
      ...microConfig.language,
      ropeScaling: { kind: "dynamic", factor: 2, originalPositions: 8 },
    };
    const recipe = { ...publishedRecipes["stage-2"].recipe, maxTokens: 16, packing: "separate" } as const;
    const check = (maxTokens: number, packing: "none" | "separate"): void =>
      requirePackable("x.yaml", { recipe: { ...recipe, maxTokens, packing } }, { language } as OwlConfig);
    expect(() => check(16, "separate")).toThrow(/which this model has up to maxTokens 8, got maxTokens 16/);
    check(8, "separate");
    check(16, "none");
  });
});
