import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { loadAdapter, loadCheckpoint } from "../checkpoint/index.ts";
import type { TrainingEvent } from "../training/index.ts";
import { publishedRecipes } from "./published.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { prepareRun } from "./run.ts";

describe("published recipes", () => {
  it("give every number a reason", () => {
    for (const { recipe, reasons } of Object.values(publishedRecipes)) {
      const numbers = Object.entries(recipe).filter(([key, value]) => key !== "name" && value !== undefined);
      for (const [key] of numbers) expect(reasons[key], `${recipe.name}: ${key}`).toBeTruthy();
    }
  });

  it("keep both of the paper's versions of stage 1", () => {
    const { recipe: body } = publishedRecipes["stage-1"];
    const { recipe: appendix } = publishedRecipes["stage-1-appendix"];
    expect([body.learningRate, body.weightDecay, body.warmup]).toEqual([1e-4, 0.1, 2000]);
    expect([appendix.learningRate, appendix.weightDecay, appendix.warmup]).toEqual([2e-4, 0.01, 375]);
  });
});

describe("recipe files", () => {
  let directory: string;
  let owl: Awaited<ReturnType<typeof owlFixture>>;
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "owl-recipes-"));
    owl = await owlFixture();
    await mkdir(join(directory, "pictures"));
    for (const [name, red] of [
      ["red", 250],
      ["black", 0],
    ] as const) {
      await sharp({ create: { width: 20, height: 20, channels: 3, background: { r: red, g: 0, b: 0 } } })
        .png()
        .toFile(join(directory, "pictures", `${name}.png`));
    }
    const picture = (name: string) => ({
      image: [`pictures/${name}.png`],
      text: `Human: <image>\nHuman: which color?\nAI: ${name}`,
    });
    const jsonl = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");
    await write("pictures.jsonl", jsonl([picture("red"), picture("black")]));
    await write(
      "text.jsonl",
      jsonl([{ text: "Human: hi\nAI: hello" }, { text: "Human: bye\nAI: good bye" }]),
    );
    await write(
      "small.yaml",
      [
        "extends: stage-2",
        `model: ${owl.directory}`,
        "output: run",
        "data: [{ file: text.jsonl }, { file: pictures.jsonl }]",
        "evaluation: [{ file: pictures.jsonl }]",
        "{ steps: 4, batch: 4, microBatch: 2, warmup: 1, maxTokens: 64, learningRate: 0.01, saveEvery: 2 }"
          .slice(2, -2)
          .replaceAll(", ", "\n"),
      ].join("\n"),
    );
  });
  afterAll(async () => {
    await rm(directory, { recursive: true });
    owl.remove();
  });

  it("derive in three lines", async () => {
    const path = await write("derived.yaml", "extends: small.yaml\nlearningRate: 0.5\nsteps: 9\n");
    const { recipe, output, data } = await readRecipeFile(path);
    // Editors of some systems put a byte order mark in front.
    await writeFile(path, `\ufeff${await readFile(path, "utf8")}`);
    expect(await readRecipeFile(path)).toMatchObject({ recipe, output, data });
    expect(recipe).toMatchObject({ stage: "2", learningRate: 0.5, steps: 9, batch: 4, betas: [0.9, 0.999] });
    expect(output).toBe(join(directory, "run"));
    expect(data.map(({ file }) => file)).toEqual([
      join(directory, "text.jsonl"),
      join(directory, "pictures.jsonl"),
    ]);
  });

  it("name every problem at once", async () => {
    const lines =
      "extends: stage-2\nsteps: -1\nlearnRate: 1\nlora: { rank: 8, alpha: 32, dropout: 1, targets: [q_proj] }";
    const error = await readRecipeFile(await write("bad.yaml", lines)).catch(String);
    expect(error).toMatch(/got 6 problems/);
    expect(error).toMatch(/steps: /);
    expect(error).toMatch(/lora.dropout: Too big: expected number to be <1/);
    expect(error).toMatch(/learnRate/);
    const missing = "extends: small.yaml\nmodel: nowhere\nbatch: 3\nwarmup: 10\ndata: [{ file: no.jsonl }]";
    const other = await readRecipeFile(await write("missing.yaml", missing)).catch(String);
    for (const part of [
      /nowhere: no such directory/,
      /microBatch: must divide/,
      /warmup: must be/,
      /no.jsonl: no such/,
    ]) {
      expect(other).toMatch(part);
    }
  });

  it("start from a repo of the hub that was fetched, where no directory has its name", async () => {
    const cache = join(directory, "hub");
    vi.stubEnv("HF_HUB_CACHE", cache);
    const snapshots = join(cache, "models--org--owl", "snapshots");
    const commit = "0123456789abcdef0123456789abcdef01234567";
    await mkdir(snapshots, { recursive: true });
    await symlink(owl.directory, join(snapshots, commit));
    const path = await write("hub.yaml", `extends: small.yaml\nmodel: org/owl@${commit}`);
    expect((await readRecipeFile(path)).model).toBe(join(snapshots, commit));
    const unknown = await write("none.yaml", "extends: small.yaml\nmodel: org/none");
    const hint = /org\/none: no such directory, nor a repo that `owl pull` has fetched/;
    await expect(readRecipeFile(unknown)).rejects.toThrow(hint);
    vi.unstubAllEnvs();
  });

  it("name an unknown parent, a circle and what is not YAML", async () => {
    await expect(readRecipeFile(await write("a.yaml", "extends: stage-9"))).rejects.toThrow(
      /extends: must be one of language, stage-1/,
    );
    await write("b.yaml", "extends: c.yaml");
    await expect(readRecipeFile(await write("c.yaml", "extends: b.yaml"))).rejects.toThrow(
      /goes round in a circle/,
    );
    await expect(readRecipeFile(await write("d.yaml", "a: [1"))).rejects.toThrow(
      /d.yaml: must be a training recipe/,
    );
  });

  it("check every text before the run: rows without an answer are named, cut ones counted", async () => {
    const long = { text: `Human: hi\nAI: ${"hello ".repeat(80)}` };
    const rows = [{ text: "Human: no answer" }, { text: `Human: ${"long ".repeat(90)}\nAI: late` }, long];
    await write("unlearnable.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
    const path = await write("check.yaml", "extends: small.yaml\ndata: [{ file: unlearnable.jsonl }]");
    const error = await prepareRun(path).catch(String);
    expect(error).toMatch(/unlearnable.jsonl: must hold one training row a line, got 2 problems/);
    expect(error).toMatch(/unlearnable.jsonl:1: a line must begin with "AI: "/);
    expect(error).toMatch(/unlearnable.jsonl:2: /);
    const talk = { text: "Human: what is it?\nAI: an owl.\n".repeat(20).trimEnd() };
    await write("long.jsonl", [long, talk].map((row) => JSON.stringify(row)).join("\n"));
    const { cutRows, shortenedRows } = await prepareRun(
      await write("long.yaml", "extends: small.yaml\ndata: [{ file: long.jsonl }]"),
    );
    expect({ cutRows, shortenedRows }).toEqual({ cutRows: [1], shortenedRows: [1] });
  });

  it("train, evaluate, and write model, adapter, state and log", async () => {
    const run = await prepareRun(join(directory, "small.yaml"));
    expect(run.rows).toEqual([2, 2]);
    expect(run.memory.total).toBeGreaterThan(run.memory.weights);
    const events: TrainingEvent[] = [];
    const outcome = await run.start({ onEvent: (event) => events.push(event), device: { threads: 1 } });
    expect(outcome).toEqual({ step: 4, complete: true });
    expect(events.map(({ kind }) => kind)).toEqual([
      "start",
      "step",
      "step",
      "checkpoint",
      "step",
      "step",
      "evaluation",
      "checkpoint",
      "end",
    ]);
    const before = await loadCheckpoint(owl.directory);
    const after = await loadCheckpoint(join(directory, "run/model"));
    expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
    const adapter = await loadAdapter(join(directory, "run/adapter"));
    expect(adapter.settings).toMatchObject({ rank: 8, alpha: 32 });
    expect(adapter.replaced.has("query_tokens")).toBe(true);
    const log = await readFile(join(directory, "run/log.jsonl"), "utf8");
    expect(log.trim().split("\n")).toHaveLength(events.length);
  });

  it("learn the same with micro-batches side by side, and the same bits every time", async () => {
    const trained = async (
      output: string,
      replicas: number,
    ): Promise<{ losses: number[]; model: Buffer }> => {
      const place = join(directory, output);
      const run = await prepareRun(join(directory, "small.yaml"), { output: place, replicas });
      const losses: number[] = [];
      const onEvent = (event: TrainingEvent): void => {
        if (event.kind === "step") losses.push(event.loss);
      };
      await run.start({ device: { threads: 2 }, onEvent });
      return { losses, model: await readFile(join(place, "model/model.safetensors")) };
    };
    const beside = await trained("beside", 2);
    const after = await trained("after", 1);
    expect(beside.losses).toHaveLength(4);
    for (const [i, loss] of beside.losses.entries()) expect(loss).toBeCloseTo(after.losses[i], 4);
    // Compared as bytes: a listing of their differences would take minutes.
    expect(beside.model.equals((await trained("again", 2)).model)).toBe(true);
    const many = await prepareRun(join(directory, "small.yaml"), {
      output: join(directory, "many"),
      replicas: 3,
    });
    await expect(many.start()).rejects.toThrow(/micro-batches of an update, here 2, got 3/);
  });
});
