import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadAdapter, loadCheckpoint, mergeLora, readAll } from "../checkpoint/index.ts";
import {
  type BatchSizes,
  type DenseSizes,
  denseReader,
  type Reader,
  type RowEncoder,
  type TokenBatch,
  tokenReader,
} from "../data/index.ts";
import { processorName } from "../platform/index.ts";
import { mulberry32, seedOf } from "../primitives/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import type { TrainingEvent } from "./events.ts";
import { denseObjective, languageObjective } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { openReplicas } from "./replicas.ts";
import { publishedValues, saveModel, saveTrainedAdapter } from "./save.ts";
import { eventFile } from "./testing/event-file.ts";
import { config, encode, readerOf, recipe, rounding, source, tokensPerImage } from "./testing/small-run.ts";
import { train } from "./train.ts";
import { createTrainer, type Trainer } from "./trainer.ts";

describe("train", () => {
  let device: Device;
  let directory: string;

  beforeAll(async () => {
    device = await openDevice({ threads: 1 });
    directory = await mkdtemp(join(tmpdir(), "owl-train-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  function newTrainer(changed: Partial<TrainingRecipe> = {}): Promise<Trainer<BatchSizes>> {
    const changedRecipe = { ...recipe, ...changed };
    return createTrainer({
      device,
      recipe: changedRecipe,
      objective: languageObjective(config, changedRecipe),
    });
  }

  function snapshot<S>(trainer: Trainer<S>): Record<string, number[]> {
    return Object.fromEntries(
      [...trainer.values].map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
  }

  /** Of whatever a LoRA may be. */
  const variants = {
    ...recipe.lora!,
    targets: "language_model.*_proj",
    useRslora: true,
    useDora: true,
    modulesToSave: ["lm_head", "layernorm"],
  };
  const otherOptimizers: readonly Partial<TrainingRecipe>[] = [
    {},
    { optimizer: "sgd", momentum: 0.9, betas: undefined, epsilon: undefined },
    { optimizer: "lion", epsilon: undefined, learningRate: 1e-3, lora: variants },
  ];
  it.each(
    otherOptimizers,
  )("goes on from a checkpoint bit for bit as if it had not stopped (%o)", async (own) => {
    const changed = { ...recipe, ...own };
    const whole = await newTrainer(own);
    await train({ trainer: whole, recipe: changed, reader: readerOf() });

    const place = join(directory, `resumed ${own.optimizer}`);
    const abort = new AbortController();
    const first = await newTrainer(own);
    const outcome = await train({
      trainer: first,
      recipe: changed,
      reader: readerOf(),
      directory: place,
      signal: abort.signal,
      onEvent: (event) => {
        if (event.kind === "step" && event.step === 3) abort.abort();
      },
    });
    expect(outcome).toEqual({ step: 3, complete: false });
    expect(snapshot(first)).not.toEqual(snapshot(whole));

    const second = await newTrainer(own);
    const events: TrainingEvent[] = [];
    const rest = { trainer: second, recipe: changed, reader: readerOf(), directory: place, resume: true };
    expect(await train({ ...rest, onEvent: (event) => events.push(event) })).toEqual({
      step: 6,
      complete: true,
    });
    expect(snapshot(second)).toEqual(snapshot(whole));
    expect(Object.fromEntries(second.optimizerState())).toEqual(Object.fromEntries(whole.optimizerState()));

    const machine = { processor: processorName(), processes: 1 };
    expect(events[0]).toEqual({ kind: "start", recipe: "test", step: 3, steps: 6, ...machine });
    const log = (await readFile(join(place, "log.jsonl"), "utf8")).trim().split("\n");
    const steps = log.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "step");
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await readdir(place)).toEqual([...[1, 2].map(eventFile), "log.jsonl", "state"]);

    const other = { ...rest, trainer: await newTrainer(), recipe: { ...changed, learningRate: 1 } };
    await expect(train(other)).rejects.toThrow(/learningRate: 0.0+1, now 1/);
  });

  it("adds up micro-batches to the same gradients as one batch", async () => {
    const trainer = await newTrainer();
    const { batches: whole } = await readerOf()(0);
    const { batches: parts } = await readerOf({ microBatch: 1 })(0);
    expect([whole.length, parts.length]).toEqual([1, 4]);
    const expected = await trainer.gradients(whole);
    const copies = new Map(
      [...expected.gradients].map(([name, { data }]) => [name, data.slice() as Float32Array]),
    );
    const { loss, gradients } = await trainer.gradients(parts);
    expect(loss).toBeCloseTo(expected.loss, 5);
    for (const [name, { data }] of gradients) {
      const other = copies.get(name)!;
      for (const [i, value] of (data as Float32Array).entries()) expect(value).toBeCloseTo(other[i], 5);
    }
  });

  it("computes micro-batches side by side with the same bits as one after the other", async () => {
    const changed = { batch: 5, lora: { ...recipe.lora!, dropout: 0.3 } };
    const run = async (replicas: readonly Device[] | undefined): Promise<[Trainer<BatchSizes>, number[]]> => {
      const split = { ...recipe, ...changed };
      const objective = languageObjective(config, split);
      const trainer = await createTrainer({
        ...(replicas ? { replicas } : { device }),
        recipe: split,
        objective,
      });
      const losses: number[] = [];
      const onEvent = (event: TrainingEvent): void => {
        if (event.kind === "step") losses.push(event.loss);
      };
      await train({ trainer, recipe: split, reader: readerOf({ batch: 5, microBatch: 1 }), onEvent });
      return [trainer, losses];
    };
    const [expected, losses] = await run(undefined);
    for (const count of [2, 3, 8]) {
      const replicas = await openReplicas({ ...recipe, batch: 8, microBatch: 1 }, count, { threads: count });
      const [trainer, same] = await run(replicas);
      expect(same).toEqual(losses);
      expect(snapshot(trainer)).toEqual(snapshot(expected));
      trainer.dispose();
    }
  });

  it("refuses replicas that have nothing to do or to do it with", async () => {
    const split = { ...recipe, batch: 8, microBatch: 4 };
    await expect(openReplicas(split, 3)).rejects.toThrow(
      /replicas: .* from 1 to the micro-batches of an update, here 2, got 3/,
    );
    await expect(openReplicas(split, 2, { threads: 1 })).rejects.toThrow(
      /replicas: must be at most the threads, here 1, got 2/,
    );
  });

  it("names rows in which nothing counts, and stops where a whole update has none", async () => {
    const rows: string[] = [];
    const trainer = await newTrainer();
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "silent") rows.push(...event.rows);
    };
    await train({ trainer, recipe, reader: readerOf(), onEvent });
    expect(rows).toEqual(["example 1", "example 9", "example 17"]);

    const silent: RowEncoder = async (example, index, name) => {
      const row = await encode(example, index, name);
      return { ...row, lossMask: row.ids.map(() => false) };
    };
    const reader = tokenReader(source, { batch: 2, encode: silent, tokensPerImage, imageSize: 4, rounding });
    const none = train({ trainer: await newTrainer(), recipe, reader });
    await expect(none).rejects.toThrow(/step 0: some token must count, got none in example 0, example 1/);
  });

  it("learns, evaluates, and saves what it learned in the published layout", async () => {
    const trainer = await newTrainer({ steps: 40, lora: variants });
    const reader: Reader<TokenBatch> = async () => readerOf()(0);
    const { batches } = await reader(0);
    const losses: number[] = [];
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "evaluation") losses.push(event.loss);
    };
    const changed = { ...recipe, steps: 40, evaluateEvery: 20, lora: variants };
    await train({ trainer, recipe: changed, reader, evaluation: batches, onEvent });
    expect(losses).toHaveLength(2);
    expect(losses[1]).toBeLessThan(losses[0] - 0.05);

    const model = join(directory, "model");
    await saveModel(model, trainer, changed, { config });
    await saveTrainedAdapter(join(directory, "adapter"), trainer, changed);
    const saved = await loadCheckpoint(model);
    const merged = await readAll(publishedValues(trainer, changed));
    expect([...saved.tensors.keys()].sort()).toEqual([...merged.keys()].sort());

    const streamed = { labelCount: batches[0].labelCount, batches: () => batches };
    expect(await trainer.evaluate(streamed)).toEqual(await trainer.evaluate(batches));

    // Base model with the adapter put on again, and the merged model, give one loss.
    const plain = { ...recipe, stage: "full" } as const;
    const evaluated = async (weights: typeof merged): Promise<number> => {
      const objective = languageObjective(config, plain);
      const other = await createTrainer({ device, recipe: plain, objective, weights });
      return (await other.evaluate(batches)).loss;
    };
    const { loss: last } = await trainer.evaluate(batches);
    expect(await evaluated(saved.tensors)).toBeCloseTo(last, 5);
    const base = new Map([...(await newTrainer()).values].filter(([name]) => merged.has(name)));
    const adapter = await loadAdapter(join(directory, "adapter"));
    expect(await evaluated(mergeLora(base, adapter))).toBeCloseTo(last, 5);
  });

  it("refuses a LoRA of which nothing would be left and a stage 2 without LoRA", () => {
    const lora = { ...recipe.lora!, dropout: 1 };
    expect(() => languageObjective(config, { ...recipe, lora })).toThrow(
      "recipe test: lora.dropout must be from 0 to less than 1, got 1",
    );
    expect(() => languageObjective(config, { ...recipe, lora: undefined })).toThrow(/stage 2 needs lora/);
  });

  it("learns the classes of patches in stage vision", async () => {
    const dense: TrainingRecipe = {
      ...recipe,
      stage: "vision",
      steps: 60,
      learningRate: 2e-2,
      weightDecay: 0,
    };
    const trainer = await createTrainer<DenseSizes>({
      device,
      recipe: dense,
      objective: denseObjective(config, 2),
    });
    const scenes = {
      length: Number.POSITIVE_INFINITY,
      example: (index: number) => {
        const random = mulberry32(seedOf("scene", index));
        const labels = Uint16Array.from({ length: 4 }, () => Number(random() < 0.5));
        // A patch is bright or dark; patches are two pixels wide.
        const bright = (i: number): number => labels[2 * ((i % 16) >> 3) + (((i % 4) >> 1) & 1)] - 0.5;
        return { pixels: Float32Array.from({ length: 48 }, (_, i) => bright(i)), labels };
      },
    };
    const reader = denseReader(scenes, { batch: 8, imageSize: 4, patches: 4, encode: (row) => row });
    const { batches } = await reader(10_000);
    expect((await trainer.evaluate(batches)).loss).toBeGreaterThan(0.5);
    await train({ trainer, recipe: dense, reader });
    expect((await trainer.evaluate(batches)).loss).toBeLessThan(0.1);
    const { tensors } = publishedValues(trainer, dense);
    expect(tensors.some(({ name }) => name.startsWith("dense"))).toBe(false);
  });
});
