import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BatchSizes, Reader, TokenBatch } from "../data/index.ts";
import { type Device, openDevice } from "../runtime/index.ts";
import type { Benchmarking } from "./benchmarks.ts";
import type { TrainingEvent } from "./events.ts";
import { languageObjective } from "./objective.ts";
import type { TrainingRecipe } from "./recipe.ts";
import { config, readerOf, recipe as small } from "./testing/small-run.ts";
import { train } from "./train.ts";
import type { TrainOptions } from "./train-options.ts";
import { createTrainer, type Trainer } from "./trainer.ts";

describe("a run that looks at its losses", () => {
  let device: Device;
  let directory: string;
  let heldOut: readonly TokenBatch[];
  beforeAll(async () => {
    device = await openDevice({ threads: 1 });
    directory = await mkdtemp(join(tmpdir(), "owl-kept-"));
    heldOut = (await readerOf()(400)).batches;
  });
  afterAll(() => rm(directory, { recursive: true }));

  const newTrainer = (recipe: TrainingRecipe): Promise<Trainer<BatchSizes>> =>
    createTrainer({ device, recipe, objective: languageObjective(config, recipe) });
  const numbers = (trainer: Trainer<BatchSizes>): number[][] =>
    trainer.trained.map((name) => Array.from(trainer.values.get(name)!.data as Float32Array));

  /** Trains into a place; what was told, and the weights at the end. */
  async function run(
    name: string,
    recipe: TrainingRecipe,
    options: Partial<TrainOptions<BatchSizes>> & { readonly stopAt?: number } = {},
  ) {
    const stop = new AbortController();
    const events: TrainingEvent[] = [];
    const onEvent = (event: TrainingEvent): void => {
      events.push(event);
      if (event.kind === "step" && event.step === options.stopAt) stop.abort();
    };
    const trainer = await newTrainer(recipe);
    const given = { trainer, recipe, reader: readerOf(), evaluation: heldOut, resume: true, ...options };
    const outcome = await train({ ...given, directory: join(directory, name), signal: stop.signal, onEvent });
    return { outcome, events, weights: numbers(trainer) };
  }
  /** Every file of checkpoints, by its path. */
  async function checkpoints(name: string): Promise<Record<string, string>> {
    const place = join(directory, name);
    const paths = (await readdir(place, { recursive: true })).filter((path) =>
      /\.(json|safetensors)$/.test(path),
    );
    const read = paths.map(async (path) => [path, await readFile(join(place, path), "base64")] as const);
    return Object.fromEntries(await Promise.all(read));
  }
  const losses = (events: readonly TrainingEvent[]): [number, number][] =>
    events.flatMap((event) =>
      event.kind === "evaluation" ? [[event.step, event.loss] as [number, number]] : [],
    );

  const watched: TrainingRecipe = {
    ...small,
    steps: 40,
    learningRate: 0.05,
    schedule: "constant",
    evaluateEvery: 2,
    saveEvery: 3,
    patience: 2,
    keep: { last: 2, best: true },
  };

  it("keeps its best and last checkpoints, ends when it no longer improves, and results in the best", async () => {
    const whole = await run("whole", watched);
    const evaluations = losses(whole.events);
    const lowest = evaluations.toSorted(([, a], [, b]) => a - b)[0];
    const last = whole.outcome.step;
    expect(whole.outcome).toEqual({ step: last, complete: true, bestStep: lowest[0] });
    expect(last).toBeLessThan(watched.steps);
    expect(last).toBe(lowest[0] + 2 * 2);
    expect(whole.events.at(-2)).toEqual({
      kind: "stopped",
      step: last,
      bestStep: lowest[0],
      bestLoss: lowest[1],
    });
    expect(whole.events.at(-1)).toEqual({ kind: "end", step: last, complete: true });
    const places = new Set(
      Object.keys(await checkpoints("whole")).map((path) => path.replace(/\/[^/]*$/, "")),
    );
    const saved = whole.events.flatMap((event) => (event.kind === "checkpoint" ? [event.step] : []));
    expect([...places].toSorted()).toEqual([
      "best",
      ...saved
        .slice(-2)
        .map((step) => `checkpoints/step-${step}`)
        .toSorted(),
      "state",
    ]);
    const state = JSON.parse(await readFile(join(directory, "whole/best/training_state.json"), "utf8"));
    expect(state.step).toBe(lowest[0]);
    const plain = await run("plain", { ...watched, steps: lowest[0], patience: undefined, keep: undefined });
    expect(whole.weights).toEqual(plain.weights);

    // Stopped after every step, and resumed each time.
    for (let step = 1; step <= last; step++) {
      const { outcome } = await run("stopped", watched, { stopAt: step });
      expect(outcome).toMatchObject(step < last ? { step, complete: false } : { step, complete: true });
    }
    const resumed = await run("stopped", watched);
    expect(resumed.outcome).toEqual(whole.outcome);
    expect(resumed.weights).toEqual(whole.weights);
    const ofState = (files: Record<string, string>) =>
      Object.fromEntries(Object.entries(files).filter(([path]) => !path.startsWith("checkpoints")));
    expect(ofState(await checkpoints("stopped"))).toEqual(ofState(await checkpoints("whole")));
  });

  it("makes up for an evaluation and a best checkpoint that a failure has left out", async () => {
    const whole = await checkpoints("whole");
    let fails = true;
    const evaluation = {
      labelCount: heldOut[0].labelCount,
      batches: () => {
        if (fails) throw new Error("a held-out row that cannot be read");
        return heldOut;
      },
    };
    await expect(run("failed", watched, { evaluation })).rejects.toThrow("a held-out row");
    expect(Object.keys(await checkpoints("failed")).some((path) => path.startsWith("best"))).toBe(false);
    fails = false;
    await run("failed", watched, { evaluation });
    const files = await checkpoints("failed");
    for (const path of Object.keys(files).filter((path) => /^(best|state)/.test(path)))
      expect(files[path]).toBe(whole[path]);
  });

  it("keeps the checkpoint that scores best, and ends when scores no longer rise", async () => {
    const recipe = { ...watched, bestBy: { benchmark: "quiz", figure: "right" } };
    const asked: number[] = [];
    const benchmarks: Benchmarking = {
      every: 2,
      scores: async (step) => {
        asked.push(step);
        const right = { estimate: [0.9, 0.1, 0.5, 0.5, 0.4][step / 2], low: 0, high: 1 };
        return [
          { name: "quiz", items: 10, seconds: 0, figures: { other: { ...right, estimate: step }, right } },
        ];
      },
    };
    const whole = await run("scored", recipe, { benchmarks });
    expect(asked).toEqual([0, 2, 4, 6, 8]);
    expect(whole.outcome).toEqual({ step: 8, complete: true, bestStep: 4 });
    expect(whole.events.at(-2)).toEqual({ kind: "stopped", step: 8, bestStep: 4, bestScore: 0.5 });
    expect(losses(whole.events).map(([step]) => step)).toEqual([2, 4, 6, 8]);
    const state = JSON.parse(await readFile(join(directory, "scored/best/training_state.json"), "utf8"));
    expect(state).toMatchObject({ step: 4, evaluated: 4, benchmarked: 4 });

    await run("paused", recipe, { benchmarks, stopAt: 5 });
    const resumed = await run("paused", recipe, { benchmarks });
    expect(resumed.outcome).toEqual(whole.outcome);
    expect(resumed.weights).toEqual(whole.weights);
    const unknown = { ...recipe, bestBy: { benchmark: "quiz", figure: "left" } };
    await expect(run("unknown", unknown, { benchmarks })).rejects.toThrow(
      /bestBy: quiz left must be a number/,
    );
  });

  it("stops before a step whose loss is a spike, with its rows, and goes on once they are mended", async () => {
    const recipe: TrainingRecipe = { ...small, steps: 25, maxLossSpike: 3, learningRate: 1e-3 };
    const damaged: Reader<TokenBatch> = async (position, part) => {
      const read = await readerOf()(position, part);
      if (position !== 92) return read;
      const [batch] = read.batches;
      const weights = batch.feeds.loss_weights;
      const heavy = { ...weights, data: (weights.data as Float32Array).map((weight) => 10 * weight) };
      return { ...read, batches: [{ ...batch, feeds: { ...batch.feeds, loss_weights: heavy } }] };
    };
    await expect(run("spike", recipe, { reader: damaged })).rejects.toThrow(
      /step 23: the loss must be at most \d.* by maxLossSpike, got \d.* \(rows .*92.*\); look at these rows/,
    );
    const whole = await run("even", recipe);
    const mended = await run("spike", recipe);
    expect(mended.events[0]).toMatchObject({ kind: "start", step: 23 });
    expect(mended.weights).toEqual(whole.weights);
    expect((await checkpoints("spike"))["state/training_state.json"]).toBe(
      (await checkpoints("even"))["state/training_state.json"],
    );
  });

  it("that diverges names the rows and the first tensor that is not finite", async () => {
    const broken: Reader<TokenBatch> = async (position, part) => {
      const read = await readerOf({ microBatch: 1 })(position, part);
      const pixels = read.batches[2].feeds.pixel_values;
      if (position === 8) (pixels.data as Float32Array)[5] = Number.NaN;
      return read;
    };
    const failed = run("broken", { ...small, microBatch: 1 }, { reader: broken });
    const rows = (await readerOf({ microBatch: 1 })(8)).batches[2].rowNames;
    await expect(failed).rejects.toThrow(
      `got loss NaN and gradient norm NaN (the first tensor that is not finite: input pixel_values, 1 of 48 numbers; rows ${rows}); begin`,
    );
  });
});
