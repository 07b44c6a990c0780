import { mkdtempSync, rmSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { loadCheckpoint } from "../checkpoint/index.ts";
import { Owl } from "../owl/index.ts";
import { prepareRun, readRecipeFile } from "./index.ts";

let directory: string;
let owl: Awaited<ReturnType<typeof owlFixture>>;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "owl-unfinished-"));
  owl = await owlFixture();
  const rows = ["a talk.\nHuman: hi\nAI: hello", "a talk.\nHuman: bye\nAI: good bye"];
  await writeFile(join(directory, "rows.jsonl"), rows.map((text) => JSON.stringify({ text })).join("\n"));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
  owl.remove();
});

const numbers = "batch: 2\nmaxTokens: 64\nlearningRate: 0.01\nschedule: constant\nsaveEvery: 2";
const begins = {
  "stage-2": () => `extends: stage-2\nmodel: ${owl.directory}`,
  full: () => `extends: full\nmodel: ${owl.directory}`,
  language: () => `extends: language\nconfig: ${owl.directory}/config.json\ntokenizer: ${owl.directory}`,
};

async function recipe(
  name: string,
  begin: keyof typeof begins,
  steps: number,
  more = "warmup: 1",
): Promise<string> {
  const data = "data: [{ file: rows.jsonl, content: conversation }]";
  const path = join(directory, `${name}.yaml`);
  await writeFile(
    path,
    `${begins[begin]()}\noutput: ${name}\n${data}\n${numbers}\nsteps: ${steps}\n${more}\n`,
  );
  return path;
}

/** Trains until this step is done, and gives the output. */
async function trainTo(step: number, path: string, resume = false): Promise<string> {
  const run = await prepareRun(path);
  const stop = new AbortController();
  await run.start({
    resume,
    signal: stop.signal,
    device: { threads: 1 },
    onEvent: (event) => event.kind === "step" && event.step === step && stop.abort(),
  });
  return run.plan.output;
}

/** What a model makes of one text, and how it asks. */
async function answering(
  model: string,
): Promise<{ logits: Float32Array; system: boolean; progress: unknown }> {
  const asked = await Owl.load(model, { threads: 1 });
  const { ids } = await asked.prompt([{ role: "user", content: "hi" }]);
  const { logits } = await asked.forward({ ids: [[...ids]] });
  const { progress } = asked;
  const system = asked.tokenizer.decode([...ids]).includes("a talk.");
  await asked.close();
  return { logits: logits.data as Float32Array, system, progress };
}

describe("a run that is not done", () => {
  for (const begin of ["stage-2", "full", "language"] as const) {
    it(`answers from its last checkpoint as the model of so many steps would: ${begin}`, async () => {
      const unfinished = await trainTo(3, await recipe(`part-${begin}`, begin, 6));
      const whole = await trainTo(3, await recipe(`whole-${begin}`, begin, 3));
      const [part, full] = [await answering(unfinished), await answering(join(whole, "model"))];
      expect(part.progress).toEqual({ step: 3, steps: 6 });
      expect([part.system, full.system]).toEqual([true, true]);
      for (const [i, value] of full.logits.entries()) expect(part.logits[i]).toBeCloseTo(value, 5);
      await trainTo(6, join(directory, `part-${begin}.yaml`), true);
      const done = await answering(unfinished);
      expect(done.progress).toBeUndefined();
      expect(done.logits).toEqual((await answering(join(unfinished, "model"))).logits);
    });
  }

  it("says so where it has no checkpoint yet, and where its base is gone", async () => {
    const output = await trainTo(3, await recipe("early", "stage-2", 4, "warmup: 1\nkeep: { last: 2 }"));
    const { progress, logits } = await answering(join(output, "checkpoints/step-2"));
    expect(progress).toEqual({ step: 2, steps: 4 });
    expect(logits).not.toEqual((await answering(join(output, "checkpoints/step-3"))).logits);
    await expect(Owl.load(join(output, "best"))).rejects.toThrow(
      /best: must be a checkpoint of the run .*early, got none of that name; it has checkpoints\/step-2 \(step 2\), state \(step 3\), checkpoints\/step-3/,
    );
    await expect(loadCheckpoint(join(output, "state"))).rejects.toThrow(/got a checkpoint of a training run/);
    await rename(join(output, "state"), join(directory, "kept"));
    await expect(Owl.load(output)).rejects.toThrow(/early: .*checkpoint.*none yet/);
    await rename(join(directory, "kept"), join(output, "state"));
    await writeFile(join(output, "start/run.json"), JSON.stringify({ model: join(directory, "gone") }));
    await expect(Owl.load(output)).rejects.toThrow(/no directory .*gone, the model that it began with/);
  });

  it("is no model for others, and a done one stands for its model in a recipe", async () => {
    const output = await trainTo(2, await recipe("begun", "stage-2", 4));
    const onto = await recipe("onto", "stage-2", 2);
    await writeFile(onto, (await readFile(onto, "utf8")).replace(`model: ${owl.directory}`, "model: begun"));
    await expect(loadCheckpoint(output)).rejects.toThrow(
      /must be a model directory, got the directory of a training run/,
    );
    await expect(prepareRun(onto)).rejects.toThrow(/begun is a run that is not done; finish it first/);
    await trainTo(4, join(directory, "begun.yaml"), true);
    expect((await readRecipeFile(onto)).model).toBe(join(output, "model"));
    // What it made of the first steps is not what it is now.
    const more = await recipe("begun", "stage-2", 8);
    await trainTo(5, more, true);
    await expect(prepareRun(onto)).rejects.toThrow(/begun is a run that is not done; finish it first/);
  });
});

describe("an output", () => {
  it("that holds another run or a model is not written over", async () => {
    const path = await recipe("taken", "stage-2", 2);
    const output = await trainTo(2, path);
    await expect(trainTo(2, path)).rejects.toThrow(/taken: must hold no run, got one; --resume goes on/);
    await rm(join(output, "state"), { recursive: true });
    await expect(trainTo(2, path)).rejects.toThrow(/taken: must hold no model/);
  });
});

describe("more steps", () => {
  it("are done where the learning rate is constant, as if they had been asked for from the start", async () => {
    const path = await recipe("more", "stage-2", 2, "");
    const output = await trainTo(2, path);
    await recipe("more", "stage-2", 4, "");
    await trainTo(4, path, true);
    const whole = await trainTo(4, await recipe("at-once", "stage-2", 4, ""));
    expect((await answering(output)).logits).toEqual((await answering(whole)).logits);
    await recipe("more", "stage-2", 3, "");
    await expect(trainTo(3, path, true)).rejects.toThrow(/at least the 4 that are done, got 3/);
  });

  it("are refused where they would change the rates of those that are done", async () => {
    const path = await recipe("cosine", "stage-2", 4);
    const shape = async (steps: number): Promise<string> => {
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replace("constant", "cosine").replace(/steps: \d/, `steps: ${steps}`));
      return path;
    };
    await trainTo(2, await shape(4));
    await expect(trainTo(6, await shape(6), true)).rejects.toThrow(
      /steps can change only where the learning rate is constant/,
    );
  });
});
