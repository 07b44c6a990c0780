import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingEvent } from "../events.ts";
import { eventFile, readEvents } from "../testing/event-file.ts";
import { openEventFile } from "./event-file.ts";
import { tfRecord } from "./records.ts";

const step = (number: number): TrainingEvent => ({
  kind: "step",
  step: number,
  steps: 9,
  loss: 1.5 / number,
  learningRate: 0.25,
  gradientNorm: 3,
  tokens: 100 * number,
  stepTokens: 100,
  seconds: 0.5,
  waitSeconds: 0.125,
  memoryBytes: 2 ** 31,
  tokensPerSecond: 190,
  secondsLeft: 4,
});
const start = (done: number): TrainingEvent => ({ kind: "start", recipe: "test", step: done, steps: 9 });
const curves = {
  "train/loss": 0.5,
  "train/learning_rate": 0.25,
  "train/gradient_norm": 3,
  "train/tokens_per_second": 200,
  "train/data_wait_seconds": 0.125,
  "train/memory_bytes": 2 ** 31,
};

describe("event files for TensorBoard", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "owl-events-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function write(events: readonly TrainingEvent[]): Promise<void> {
    const log = openEventFile(directory);
    for (const event of events) await log.write(event);
    await log.flush();
    await log.close();
  }
  const read = async (number: number) => readEvents(await readFile(join(directory, eventFile(number))));

  it("frame records as TFRecord does, with checksums that another program finds", () => {
    // The check value of CRC-32C is that of the text "123456789".
    const record = Buffer.from(tfRecord(new TextEncoder().encode("123456789")));
    expect(record.length).toBe(8 + 4 + 9 + 4);
    expect(record.readBigUInt64LE(0)).toBe(9n);
    const rotated = ((0xe3069283 >>> 15) | (0xe3069283 << 17)) >>> 0;
    expect(record.readUInt32LE(21)).toBe((rotated + 0xa282ead8) % 2 ** 32);
    record[14] ^= 1;
    expect(() => readEvents(record)).toThrow("CRC-32C must be");
  });

  it("hold the curves of a run by step; one that goes on has a further file, which takes repeated steps back", async () => {
    await write([]);
    expect(await readdir(directory)).toEqual([]);
    await write([
      start(0),
      step(2),
      { kind: "evaluation", step: 2, loss: 0.75, rewardMargin: 2, rewardAccuracy: 0.5 },
      {
        kind: "benchmark",
        step: 2,
        name: "quiz",
        items: 9,
        seconds: 1,
        figures: { "exact match": { estimate: 0.5, low: 0.25, high: 1 } },
      },
      { kind: "checkpoint", step: 2, directory },
      step(3),
      {
        kind: "samples",
        step: 3,
        answers: [
          { question: "who?", pictures: [], answer: "an *owl*\nof a kind", isCut: false, attention: [] },
        ],
      },
    ]);
    await write([start(2), step(3)]);
    const empty = { version: undefined, isStart: false, scalars: {}, texts: {} };
    const [first, second] = [await read(1), await read(2)];
    expect(first).toEqual([
      { ...empty, step: 1, version: "brain.Event:2" },
      { ...empty, step: 1, isStart: true },
      { ...empty, step: 2, scalars: { ...curves, "train/loss": 0.75 } },
      {
        ...empty,
        step: 2,
        scalars: {
          "evaluation/loss": 0.75,
          "evaluation/reward_margin": 2,
          "evaluation/reward_accuracy": 0.5,
        },
      },
      { ...empty, step: 2, scalars: { "benchmarks/quiz/exact_match": 0.5 } },
      { ...empty, step: 3, scalars: curves },
      { ...empty, step: 3, texts: { "samples/1": "    who?\n\n---\n\n    an *owl*\n    of a kind" } },
    ]);
    expect(second).toEqual([
      { ...empty, step: 3, version: "brain.Event:2" },
      { ...empty, step: 3, isStart: true },
      { ...empty, step: 3, scalars: curves },
    ]);
  });
});
