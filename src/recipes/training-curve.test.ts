import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logOf } from "./run-record.ts";
import { trainingCurve } from "./training-curve.ts";

let run: string;
const figures = (estimate: number) => ({
  F1: { estimate, low: 0, high: 1 },
  accuracy: { estimate, low: 0, high: 1 },
});
const log = [
  { kind: "start", step: 0, processor: "A" },
  { kind: "benchmark", step: 0, name: "pope", items: 9, figures: figures(0.2), seconds: 1 },
  ...Array.from({ length: 900 }, (_, i) => ({
    kind: "step",
    step: i + 1,
    loss: 3 / (1 + i / 100),
    seconds: 0.5,
  })),
  { kind: "evaluation", step: 400, loss: 1.25 },
  { kind: "evaluation", step: 900, loss: 99 },
  { kind: "benchmark", step: 900, name: "pope", items: 9, figures: figures(0.9), seconds: 1 },
  // Killed; step 401 to 403 are computed again.
  { kind: "start", step: 400, processor: "B", processes: 2 },
  ...[401, 402, 403].map((step) => ({ kind: "step", step, loss: 0.5, seconds: 2 })),
  { kind: "step", step: 404, loss: null, seconds: 2 },
  { kind: "evaluation", step: 403, loss: 1 },
  { kind: "benchmark", step: 403, name: "pope", items: 9, figures: figures(0.7), seconds: 1 },
];

beforeAll(async () => {
  run = await mkdtemp(join(tmpdir(), "owl-curve-"));
  await writeFile(
    join(run, "log.jsonl"),
    `${log.map((line) => JSON.stringify(line)).join("\n")}\n{"kind":"st`,
  );
});
afterAll(() => rm(run, { recursive: true }));

test("a log tells what holds of its run: nothing that was computed again, and all machines", async () => {
  const { loss, heldOut, benchmarks, seconds, machines } = await logOf(run);
  expect([loss.steps.length, loss.steps.at(-1), loss.values.at(-1)]).toEqual([403, 403, 0.5]);
  expect(heldOut).toEqual({ steps: [400, 403], values: [1.25, 1] });
  expect(benchmarks).toEqual([
    {
      name: "pope",
      figure: "F1",
      items: 9,
      steps: [0, 403],
      values: [0.2, 0.7],
      intervals: [
        [0, 1],
        [0, 1],
      ],
    },
  ]);
  expect(seconds).toBe(400 * 0.5 + 3 * 2);
  expect(machines).toEqual(["A", "B, 2 processes"]);
});

test("its curve is a drawing that can be shown, with every point inside", async () => {
  const svg = trainingCurve("The training of <mine>", await logOf(run))!;
  expect(svg).toContain("<title>The training of &lt;mine&gt;</title>");
  for (const told of ["rows of the training", "held-out rows", "pope, F1", "step 0", "400"])
    expect(svg).toContain(told);
  const { width, height } = await sharp(Buffer.from(svg)).metadata();
  const points = [...svg.matchAll(/points="([^"]+)"/g)].map(([, text]) =>
    text.split(" ").map((one) => one.split(",").map(Number)),
  );
  expect(points.map(({ length }) => length)).toEqual([135, 2, 2]);
  for (const [x, y] of points.flat()) {
    expect(x).toBeGreaterThan(50);
    expect(x).toBeLessThan(width);
    expect(y).toBeGreaterThan(30);
    expect(y).toBeLessThan(height - 30);
  }
  expect(trainingCurve("nothing", await logOf(join(run, "none")))).toBeUndefined();
});
