import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import type { TrainingEvent } from "../training/index.ts";
import { prepareRun, type RunOptions } from "./run.ts";

const device = { threads: 1 } as const;

describe("a run that goes on", () => {
  let place: string;
  let owl: Awaited<ReturnType<typeof owlFixture>>;
  let count = 0;
  const colours = ["red", "green", "blue", "black"];
  const row = (name: string): string =>
    JSON.stringify({ image: [`${name}.jpg`], text: `Human: <image>\nHuman: which color?\nAI: ${name}` });
  const picture = (name: string): Promise<Buffer> => {
    const raw = { width: 64, height: 64, channels: 3 } as const;
    const noise = Buffer.from(
      Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * i * name.length) % 251),
    );
    return sharp(noise, { raw }).jpeg().toBuffer();
  };

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "owl-resume-"));
    owl = await owlFixture();
  });
  afterAll(async () => {
    await rm(place, { recursive: true });
    owl.remove();
  });

  /** A project of its own: a recipe, rows, pictures and a model. */
  async function newProject(changes = ""): Promise<string> {
    const project = join(place, `project ${count++}`);
    await mkdir(project);
    await cp(owl.directory, join(project, "model"), { recursive: true });
    for (const name of colours) await writeFile(join(project, `${name}.jpg`), await picture(name));
    await writeFile(join(project, "rows.jsonl"), colours.map(row).join("\n"));
    const numbers = "steps: 6\nbatch: 2\nwarmup: 1\nmaxTokens: 64\nlearningRate: 0.01\nsaveEvery: 2\n";
    const recipe = `extends: stage-2\nmodel: model\noutput: run\ndata: [{ file: rows.jsonl }]\n${numbers}${changes}`;
    await writeFile(join(project, "recipe.yaml"), recipe);
    return project;
  }

  async function run(project: string, options: RunOptions = {}, stopAt = Number.POSITIVE_INFINITY) {
    const stop = new AbortController();
    const events: TrainingEvent[] = [];
    const onEvent = (event: TrainingEvent): void => {
      events.push(event);
      if (event.kind === "step" && event.step === stopAt) stop.abort();
    };
    const prepared = await prepareRun(join(project, "recipe.yaml"));
    const outcome = await prepared.start({ device, onEvent, signal: stop.signal, ...options });
    return { outcome, events };
  }
  const losses = (events: readonly TrainingEvent[]): number[] =>
    events.flatMap((event) => (event.kind === "step" ? [event.loss] : []));
  const cut = async (project: string, name: string): Promise<Buffer> => {
    const path = join(project, `${name}.jpg`);
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, Math.floor(whole.length * 0.7)));
    return whole;
  };

  it("goes on from a state and with a recipe that call things by their former names", async () => {
    const former = "clip: 0.5\nfloor: 0.1\nrateFactors: { lora: 2 }\n";
    const project = await newProject(former);
    const { events: before } = await run(project, {}, 3);
    const state = join(project, "run/state/training_state.json");
    const written = await readFile(state, "utf8");
    const renamed = [
      ["maxGradNorm", "clip"],
      ["minLearningRateRatio", "floor"],
      ["learningRateMultipliers", "rateFactors"],
      ["description", "says"],
      ["sampling weights of the data", "shares of the data"],
    ].reduce((text, [current, old]) => {
      expect(text).toContain(`"${current}": `);
      return text.replaceAll(`"${current}": `, `"${old}": `);
    }, written);
    await writeFile(state, renamed);
    const { outcome, events: after } = await run(project, { resume: true });
    expect(outcome).toEqual({ step: 6, complete: true });
    const { events: whole } = await run(await newProject(former));
    expect([...losses(before), ...losses(after)]).toEqual(losses(whole));
  });

  it("takes the whole project along to another place, and goes on exactly", async () => {
    const project = await newProject();
    const { events: before } = await run(project, {}, 3);
    const moved = join(place, "moved");
    await rename(project, moved);
    const { outcome, events: after } = await run(moved, { resume: true });
    expect(outcome).toEqual({ step: 6, complete: true });
    const { events: whole } = await run(await newProject());
    expect([...losses(before), ...losses(after)]).toEqual(losses(whole));
  });

  it("refuses what was changed by its name; changed data go on where they are meant", async () => {
    const project = await newProject();
    await run(project, {}, 3);
    const rows = await readFile(join(project, "rows.jsonl"), "utf8");
    const goOn = (options: RunOptions = {}): Promise<unknown> =>
      run(project, { resume: true, ...options }, 4);

    await writeFile(join(project, "rows.jsonl"), `${rows}\n${row("red")}`);
    await expect(goOn()).rejects.toThrow(
      /data 1: rows.jsonl, 4 rows, now rows.jsonl, 5 rows\n.*allow-changed-data/,
    );
    await writeFile(join(project, "rows.jsonl"), rows.replace("AI: blue", "AI: navy"));
    await expect(goOn()).rejects.toThrow(/data 1 \(rows.jsonl, 4 rows\): its content is another/);
    await writeFile(join(project, "rows.jsonl"), `${rows.replaceAll("\n", "\n\n")}\n`);
    await writeFile(join(project, "red.jpg"), await picture("redder"));
    await expect(goOn()).rejects.toThrow(/data 1, its pictures \(rows.jsonl\): its content is another/);
    await expect(goOn({ allowChangedData: true })).resolves.toMatchObject({ outcome: { step: 4 } });

    const weights = join(project, "model/model.safetensors");
    const bytes = await readFile(weights);
    bytes[bytes.length - 2] ^= 1;
    await writeFile(weights, bytes);
    const model =
      /got something else:\n {2}model \(model\): its content is another\nRestore it, .*directory\.$/;
    await expect(goOn({ allowChangedData: true })).rejects.toThrow(model);
  });

  it("with patience from now on, and without it again; held-out rows that decided may not change while they do", async () => {
    const heldOut = "evaluateEvery: 2\nevaluation: [{ file: held-out.jsonl }]\n";
    const project = await newProject(heldOut);
    const place = join(project, "held-out.jsonl");
    await writeFile(place, row("red"));
    const recipe = join(project, "recipe.yaml");
    const plain = await readFile(recipe, "utf8");
    await run(project, {}, 2);
    await writeFile(recipe, `${plain}patience: 9\n`);
    await run(project, { resume: true }, 3);
    await writeFile(place, row("blue"));
    await expect(run(project, { resume: true })).rejects.toThrow(/evaluation 1 .*: its content is another/);
    await writeFile(recipe, plain);
    await expect(run(project, { resume: true })).resolves.toMatchObject({ outcome: { step: 6 } });
  });

  it("with rows of the length that it began with, where an earlier version allowed more than the model has positions", async () => {
    const project = await newProject();
    const recipe = join(project, "recipe.yaml");
    await writeFile(recipe, (await readFile(recipe, "utf8")).replace("maxTokens: 64\n", ""));
    const config = join(project, "model/config.json");
    const maxPositions = 96;
    const positions = /"max_position_embeddings":\s*\d+/;
    const sizes = await readFile(config, "utf8");
    expect(sizes).toMatch(positions);
    await writeFile(config, sizes.replace(positions, `"max_position_embeddings": ${maxPositions}`));
    expect((await prepareRun(recipe)).plan.recipe.maxTokens).toBe(maxPositions);
    await run(project, {}, 3);
    const state = join(project, "run/state/training_state.json");
    const written = await readFile(state, "utf8");
    await writeFile(state, written.replace(`"maxTokens": ${maxPositions}`, '"maxTokens": 2048'));
    expect(await readFile(state, "utf8")).not.toBe(written);
    await expect(run(project, { resume: true })).resolves.toMatchObject({ outcome: { step: 6 } });
    await writeFile(recipe, `${await readFile(recipe, "utf8")}maxTokens: ${maxPositions + 1}\n`);
    await expect(prepareRun(recipe)).rejects.toThrow(
      `maxTokens: must be at most the model's ${maxPositions} positions`,
    );
  });

  it("by another micro-batch, and with other held-out rows", async () => {
    const project = await newProject();
    await run(project, {}, 3);
    const recipe = await readFile(join(project, "recipe.yaml"), "utf8");
    const more = "microBatch: 1\nevaluateEvery: 3\nevaluation: [{ file: rows.jsonl, rows: 2 }]\n";
    await writeFile(join(project, "recipe.yaml"), recipe + more);
    const { outcome, events } = await run(project, { resume: true });
    expect(outcome.complete).toBe(true);
    expect(events.some(({ kind }) => kind === "evaluation")).toBe(true);
  });

  it("is stopped by a damaged picture with a checkpoint and the row's name, and goes on once it is mended", async () => {
    const project = await newProject("seed: 3\n");
    await run(project, {}, 1);
    const whole = new Map<string, Buffer>();
    for (const name of colours) whole.set(name, await cut(project, name));
    const failure = run(project, { resume: true, allowChangedData: true });
    await expect(failure).rejects.toThrow(/rows.jsonl:\d: .*\.jpg: must be a whole JPEG/);
    for (const [name, bytes] of whole) await writeFile(join(project, `${name}.jpg`), bytes);
    const { outcome, events } = await run(project, { resume: true });
    expect(outcome.complete).toBe(true);
    expect(events[0]).toMatchObject({ kind: "start", step: 1 });
  });

  it("leaves so many damaged rows out, tells each once, and the same again when it goes on", async () => {
    const project = await newProject("evaluation: [{ file: rows.jsonl }]\nevaluateEvery: 3\n");
    await cut(project, "green");
    await expect(run(project)).rejects.toThrow(/rows.jsonl:2: .*green.jpg/);
    await expect(run(project, { skipBadRows: 0 })).rejects.toThrow(/rows.jsonl:2: /);
    const { events: before } = await run(project, { skipBadRows: 1 }, 4);
    const { events: after } = await run(project, { skipBadRows: 1, resume: true });
    const skipped = [...before, ...after].filter(({ kind }) => kind === "skipped");
    expect(skipped).toEqual([
      expect.objectContaining({ row: expect.stringMatching(/rows.jsonl:2$/), step: 0 }),
      expect.objectContaining({
        row: expect.stringMatching(/rows.jsonl:2$/),
        reason: expect.stringContaining("green"),
        replacedBy: expect.stringMatching(/rows.jsonl:[134]$/),
      }),
    ]);
    const log = await readFile(join(project, "run/log.jsonl"), "utf8");
    expect(log.match(/"kind":"skipped"/g)).toHaveLength(2);
    const twin = await newProject("evaluation: [{ file: rows.jsonl }]\nevaluateEvery: 3\n");
    await cut(twin, "green");
    const { events: whole } = await run(twin, { skipBadRows: 1 });
    expect([...losses(before), ...losses(after)]).toEqual(losses(whole));
    await cut(twin, "blue");
    await rm(join(twin, "run"), { recursive: true });
    await expect(run(twin, { skipBadRows: 1 })).rejects.toThrow(/1 such rows were left out already/);
  });

  it("decodes every picture before it begins where that is wanted, and names all that are damaged", async () => {
    const project = await newProject();
    await cut(project, "green");
    await cut(project, "black");
    const told: [string, number, number][] = [];
    const checked = prepareRun(join(project, "recipe.yaml"), {
      checkPictures: true,
      onPicture: (file) => (done, all) => told.push([file, done, all]),
    });
    await expect(checked).rejects.toThrow(
      /got 2 problems:\n {2}line 2: picture .*green.jpg.*\n {2}line 4: picture .*black/,
    );
    expect(told.at(-1)).toEqual([join(project, "rows.jsonl"), 4, 4]);
  });

  it("tells bad texts, bad pictures and bad lines of a file at once", async () => {
    const project = await newProject();
    await writeFile(join(project, "green.jpg"), "no picture");
    const bad = [row("red"), row("green"), JSON.stringify({ text: "Human:hi\nAI: a" }), "{no json"];
    await writeFile(join(project, "rows.jsonl"), bad.join("\n"));
    await expect(prepareRun(join(project, "recipe.yaml"))).rejects.toThrow(
      /got 3 problems:\n {2}line 2: picture .*\n.*rows.jsonl:3: "Human:hi".*\n {2}line 4: must be JSON/,
    );
  });

  it("does not begin beside another one that writes to the same place", async () => {
    const project = await newProject();
    const first = await prepareRun(join(project, "recipe.yaml"));
    const second = await prepareRun(join(project, "recipe.yaml"));
    let refusal: Promise<unknown> | undefined;
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "start") refusal = second.start({ device }).catch(String);
    };
    await first.start({ device, onEvent });
    expect(await refusal).toMatch(/run: must belong to one training at a time, got another one/);
  });
});
