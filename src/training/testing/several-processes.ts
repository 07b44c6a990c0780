import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Reader, SkippedRows, type TokenBatch } from "../../data/index.ts";
import { openDevice } from "../../runtime/index.ts";
import { type Communicator, joinProcesses } from "../communicator.ts";
import type { TrainingEvent } from "../events.ts";
import { languageObjective } from "../objective.ts";
import { train } from "../train.ts";
import { createTrainer } from "../trainer.ts";
import { config, encode, readerOf, recipe as small } from "./small-run.ts";

/** Six micro-batches an update, with everything that depends on rows, steps and the number of labels. */
const numbers = {
  ...small,
  steps: 20,
  batch: 12,
  microBatch: 2,
  evaluateEvery: 7,
  lora: { ...small.lora!, dropout: 0.2, useRslora: true, useDora: true, modulesToSave: ["norm", "lm_head"] },
};

/** A training of a small model, as one of the processes sees it. */
export interface SmallTraining {
  readonly deterministic: boolean;
  /** Layer by layer, so that gradients are sent while others are computed. */
  readonly recompute?: boolean;
  /** Where checkpoints go. */
  readonly directory?: string;
  readonly resume?: boolean;
  /** The last process asks to stop after this step. */
  readonly stopAfter?: number;
}

/** What one process found. */
export interface TrainingReport {
  readonly losses: readonly number[];
  readonly evaluations: readonly number[];
  readonly step: number;
  /** Every trained number. */
  readonly weights: readonly number[];
  /** Indices of the rows that it made into batches of updates, in their order. */
  readonly rows: readonly number[];
  /** Optimizer state that is not zero, and all of it. */
  readonly state: readonly [used: number, all: number];
  readonly skipped: readonly string[];
}

/** Trains as `small-run` says, and tells what this process did. */
export async function trainSmall(
  communicator: Communicator,
  { deterministic, recompute = false, stopAfter = Number.POSITIVE_INFINITY, ...options }: SmallTraining,
): Promise<TrainingReport> {
  const recipe = { ...numbers, recompute };
  const device = await openDevice({ threads: 1 });
  const objective = languageObjective(config, recipe);
  const trainer = await createTrainer({ device, objective, recipe, communicator, deterministic });
  const rows: number[] = [];
  const skipped = new SkippedRows(9);
  const whole = readerOf(recipe, (example, index, name) => {
    rows.push(index);
    // A row that is left out, told by whichever process reads it.
    if (index === 29) skipped.record({ row: name, reason: "left out", replacedBy: "another" });
    return encode(example, index, name);
  });
  const stop = new AbortController();
  const reader: Reader<TokenBatch> = (position, part) => {
    // The batch after the next is read while one is computed.
    if (communicator.rank === communicator.size - 1 && position >= (stopAfter + 1) * recipe.batch)
      stop.abort();
    return whole(position, part);
  };
  const events: TrainingEvent[] = [];
  const { batches: heldOut } = await readerOf({ batch: 10, microBatch: 2 })(1000);
  const { step } = await train({
    ...options,
    trainer,
    recipe,
    reader,
    skipped,
    evaluation: heldOut,
    signal: stop.signal,
    onEvent: (event) => events.push(event),
  });
  const state = [...trainer.optimizerState().values()].flatMap(({ data }) =>
    Array.from(data as Float32Array),
  );
  const report: TrainingReport = {
    losses: events.flatMap((event) => (event.kind === "step" ? [event.loss] : [])),
    evaluations: events.flatMap((event) => (event.kind === "evaluation" ? [event.loss] : [])),
    skipped: events.flatMap((event) => (event.kind === "skipped" ? [event.row] : [])),
    step,
    weights: trainer.trained.flatMap((name) => Array.from(trainer.values.get(name)!.data as Float32Array)),
    rows,
    state: [state.filter((value) => value !== 0).length, state.length],
  };
  trainer.dispose();
  return report;
}

// As a program that mpirun starts: does trainings one after the other, and writes what each process found.
const [folder, list] = process.argv.slice(2);
if (process.argv[1]?.endsWith("several-processes.mjs") && folder !== undefined) {
  const communicator = await joinProcesses();
  const reports: TrainingReport[] = [];
  for (const training of JSON.parse(list) as SmallTraining[]) {
    reports.push(await trainSmall(communicator, training));
  }
  await writeFile(join(folder, `rank-${communicator.rank}.json`), JSON.stringify(reports));
  await communicator.close();
}
