import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BatchSizes, DataError, type Reader, type TokenBatch } from "../data/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import type { TrainingEvent } from "./events.ts";
import { languageObjective } from "./objective.ts";
import { lockOutput } from "./output-lock.ts";
import type { RunInputs } from "./run-inputs.ts";
import { config, readerOf, recipe } from "./testing/small-run.ts";
import { train } from "./train.ts";
import { createTrainer, type Trainer } from "./trainer.ts";

describe("a run that was interrupted", () => {
  let device: Device;
  let directory: string;
  beforeAll(async () => {
    device = await openDevice({ threads: 1 });
    directory = await mkdtemp(join(tmpdir(), "owl-interrupted-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const newTrainer = (): Promise<Trainer<BatchSizes>> =>
    createTrainer({ device, recipe, objective: languageObjective(config, recipe) });
  const numbers = (trainer: Trainer<BatchSizes>): number[][] =>
    trainer.trained.map((name) => Array.from(trainer.values.get(name)!.data as Float32Array));
  const whole = async (): Promise<number[][]> => {
    const trainer = await newTrainer();
    await train({ trainer, recipe, reader: readerOf() });
    return numbers(trainer);
  };
  /** Fails in place of the batch that begins with this example. */
  const failingAt = (position: number, reader: Reader<TokenBatch> = readerOf()): Reader<TokenBatch> => {
    return async (at) => {
      if (at === position) throw new DataError("rows.jsonl:6: a picture that cannot be decoded");
      return reader(at);
    };
  };
  const savedStep = async (place: string): Promise<number> =>
    (JSON.parse(await readFile(join(place, "state/training_state.json"), "utf8")) as { step: number }).step;

  it("by a row has a checkpoint of the step before, from which it goes on once that is mended", async () => {
    const place = join(directory, "row");
    const events: TrainingEvent[] = [];
    const first = { recipe, directory: place, onEvent: (event: TrainingEvent) => events.push(event) };
    const failed = train({ ...first, trainer: await newTrainer(), reader: failingAt(12) });
    await expect(failed).rejects.toThrow("rows.jsonl:6: a picture that cannot be decoded");
    expect(events.at(-1)).toMatchObject({ kind: "checkpoint", step: 3 });
    const trainer = await newTrainer();
    await train({ trainer, recipe, reader: readerOf(), directory: place, resume: true });
    expect(numbers(trainer)).toEqual(await whole());
  });

  it("by whoever watches it, too", async () => {
    const place = join(directory, "watcher");
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "step" && event.step === 2) throw new Error("the watcher failed");
    };
    const failed = train({
      recipe,
      directory: place,
      trainer: await newTrainer(),
      reader: readerOf(),
      onEvent,
    });
    await expect(failed).rejects.toThrow("the watcher failed");
    expect(await savedStep(place)).toBe(2);
  });

  it("in the middle of the optimizer's work has no checkpoint of what is half done", async () => {
    const place = join(directory, "half");
    const whole = await newTrainer();
    const trainer = new Proxy(whole, {
      get: (one, key) => (key === "isConsistent" ? false : Reflect.get(one, key, one)),
    });
    const failed = train({ recipe, directory: place, trainer, reader: failingAt(12) });
    await expect(failed).rejects.toThrow("rows.jsonl:6");
    await expect(savedStep(place)).rejects.toThrow(/ENOENT/);
  });

  it("by weights that diverge keeps its last checkpoint", async () => {
    const place = join(directory, "diverged");
    const reader: Reader<TokenBatch> = async (at) => {
      const read = await readerOf()(at);
      if (at < 12) return read;
      const batches = read.batches.map((batch) => {
        const { pixel_values: pixels } = batch.feeds;
        return {
          ...batch,
          feeds: {
            ...batch.feeds,
            pixel_values: { ...pixels, data: new Float32Array(pixels.data.length).fill(Number.NaN) },
          },
        };
      });
      return { ...read, batches: batches as typeof read.batches };
    };
    const changed = { ...recipe, saveEvery: 2 };
    const failed = train({ recipe: changed, directory: place, trainer: await newTrainer(), reader });
    await expect(failed).rejects.toThrow(/loss and gradients must be finite/);
    expect(await savedStep(place)).toBe(2);
  });

  it("goes on with another micro-batch", async () => {
    const place = join(directory, "micro");
    await train({ trainer: await newTrainer(), recipe, reader: failingAt(12), directory: place }).catch(
      () => undefined,
    );
    const trainer = await newTrainer();
    const changed = { ...recipe, microBatch: 1 };
    const reader = readerOf({ microBatch: 1 });
    await train({ trainer, recipe: changed, reader, directory: place, resume: true });
    const expected = await whole();
    for (const [i, values] of numbers(trainer).entries()) {
      for (const [j, value] of values.entries()) expect(value).toBeCloseTo(expected[i][j], 3);
    }
  });

  it("goes on from what it began with alone", async () => {
    const place = join(directory, "inputs");
    const of = (rows: string, model: string): RunInputs => ({
      "data 1": { digest: rows, description: `a.jsonl, ${rows} rows`, isData: true },
      model: { digest: model, description: "model", isData: false },
    });
    const run = { recipe, directory: place, inputs: of("40", "a") };
    await train({ ...run, trainer: await newTrainer(), reader: failingAt(12) }).catch(() => undefined);
    const goOn = async (inputs: RunInputs, allowChangedData = false): Promise<unknown> =>
      train({
        ...run,
        trainer: await newTrainer(),
        reader: readerOf(),
        resume: true,
        inputs,
        allowChangedData,
      });
    await expect(goOn(of("41", "b"))).rejects.toThrow(
      /got something else:\n {2}data 1: a.jsonl, 40 rows, now a.jsonl, 41 rows\n {2}model \(model\): its content is another\n.*--allow-changed-data/,
    );
    await expect(goOn(of("40", "b"))).rejects.toThrow(/directory\.$/);
    await expect(goOn(of("41", "b"), true)).rejects.toThrow(/got something else:\n {2}model/);
    expect(await savedStep(place)).toBe(3);
    await expect(goOn(of("41", "a"), true)).resolves.toMatchObject({ complete: true });
    await expect(goOn(of("41", "a"))).resolves.toMatchObject({ complete: true });
  });

  it("is not disturbed by a second one in its directory", async () => {
    const place = join(directory, "two");
    const other = async (): Promise<unknown> =>
      train({ trainer: await newTrainer(), recipe, reader: readerOf(), directory: place });
    const lock = await lockOutput(place);
    await expect(other()).rejects.toThrow(/two: must belong to one training at a time, got another one/);
    await lock.release();
    await expect(other()).resolves.toMatchObject({ complete: true });
  });
});
