import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mpirunArguments, skipMpi } from "../../tests/setup/mpi.ts";
import { builtProgram } from "../../tests/setup/programs.ts";
import { alone } from "./communicator.ts";
import { type SmallTraining, type TrainingReport, trainSmall } from "./testing/several-processes.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "owl-several-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What each process of a job reports of each training. */
async function trainTogether(
  processes: number,
  trainings: readonly SmallTraining[],
): Promise<TrainingReport[][]> {
  const program = await builtProgram("src/training/testing/several-processes.ts");
  const words = [program, folder, JSON.stringify(trainings)];
  await promisify(execFile)("mpirun", [...mpirunArguments(processes), process.execPath, ...words]);
  const reports = Array.from({ length: processes }, async (_, rank) => {
    const text = await readFile(join(folder, `rank-${rank}.json`), "utf8");
    return JSON.parse(text) as TrainingReport[];
  });
  return Promise.all(reports);
}

/** Starting several processes takes its time where others work beside them. */
const patience = 900_000;

const greatestDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])));

describe.skipIf(skipMpi)("several processes", () => {
  let single: TrainingReport;
  let byLayers: TrainingReport;
  beforeAll(async () => {
    single = await trainSmall(alone, { deterministic: false });
    byLayers = await trainSmall(alone, { deterministic: false, recompute: true });
  });

  /** Both ways of adding gradients up, and what does not depend on them. */
  function expectAlike(jobs: readonly TrainingReport[][]): void {
    for (const [training, tolerance] of [1e-5, 0].entries()) {
      const [first, ...others] = jobs.map((ofRank) => ofRank[training]);
      expect(first.losses).toHaveLength(20);
      expect(greatestDifference(first.losses, single.losses)).toBeLessThanOrEqual(tolerance);
      expect(greatestDifference(first.evaluations, single.evaluations)).toBeLessThanOrEqual(tolerance);
      expect(greatestDifference(first.weights, single.weights)).toBeLessThanOrEqual(10 * tolerance);
      expect(first.evaluations).toHaveLength(single.evaluations.length);
      // Row 29 is read by one process, and told by the first one, once.
      expect(first.skipped).toEqual(single.skipped);
      for (const other of others) {
        expect(other.weights).toEqual(first.weights);
        expect(other.losses).toEqual([]);
      }
      const rows = [first, ...others].flatMap((report) => report.rows);
      expect(rows.toSorted((a, b) => a - b)).toEqual(single.rows);
      const states = [first, ...others].map(({ state: [used, all] }) => used / all);
      for (const part of states) expect(part).toBeLessThan(0.9);
      expect(states.reduce((sum, part) => sum + part, 0)).toBeCloseTo(single.state[0] / single.state[1], 6);
    }
  }

  it(
    "have the losses and weights of one; bit for bit in the order of micro-batches; and another number goes on",
    async () => {
      const directory = join(folder, "run");
      const both = [{ deterministic: false, recompute: true }, { deterministic: true }];
      const layers = { deterministic: true, recompute: true, directory };
      const two = await trainTogether(2, [...both, { ...layers, stopAfter: 8 }]);
      expectAlike(two);
      for (const ofRank of two) expect(ofRank[2].step).toBeLessThan(12);
      expect(two[0][2].step).toBe(two[1][2].step);

      const three = await trainTogether(3, [...both, { ...layers, resume: true }]);
      expectAlike(three);
      for (const ofRank of three) {
        expect(ofRank[2].step).toBe(20);
        expect(ofRank[2].weights).toEqual(byLayers.weights);
      }
      const rows = [...two, ...three].flatMap((ofRank) => ofRank[2].rows);
      expect([...new Set(rows)].toSorted((a, b) => a - b)).toEqual(single.rows);
    },
    patience,
  );
});
