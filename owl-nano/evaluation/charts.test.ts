import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { OWL_NANO } from "../recipes.ts";
import { abilityChart, abilityTable, barOf } from "./ability-chart.ts";
import { curvesSvg, readCurve, smoothed } from "./curves.ts";
import type { Figure, Figures } from "./figures.ts";
import { modelCard } from "./model-card.ts";
import { score } from "./scoring.ts";

const directory = mkdtempSync(join(tmpdir(), "charts-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function figure(ability: string, right: number, of = 100): Figure {
  const { interval: byDrawing } = score(right, of);
  return { ability, set: "all", score: score(right, of), byDrawing, blind: score(0, of), chance: 0.1 };
}

function figures(right: number): Figures {
  const one = figure("counting", right);
  return {
    split: "test",
    rows: [one],
    abilities: [one],
    letters: {},
    overall: figure("all questions", right),
    declined: figure("declined", 0),
  };
}

test("a curve has each step once, as it was computed last", () => {
  const log = join(directory, "log.jsonl");
  const event = (step: number, loss: number): string => JSON.stringify({ kind: "step", step, loss });
  writeFileSync(log, [event(1, 4), event(2, 3), '{"kind":"start"}', event(2, 2), event(3, 1), ""].join("\n"));
  const curve = readCurve("language", log);
  expect(curve.steps).toEqual([
    { step: 1, loss: 4 },
    { step: 2, loss: 2 },
    { step: 3, loss: 1 },
  ]);
  expect(smoothed(curve, 2)).toEqual([
    { step: 2, loss: 3 },
    { step: 3, loss: 1 },
  ]);
  expect(curvesSvg([curve])).toContain("language: 1.000 after 3 steps");
  expect(() => readCurve("vision", join(directory, "none.jsonl"))).toThrow("train the stage first");
});

test("a run of several seeds is charted by its mean; its interval is due to the questions and to the seeds", () => {
  const full = { name: "full", seeds: [figures(80), figures(90)] };
  const bar = barOf(full, "counting");
  expect(bar.share).toBeCloseTo(0.85);
  const questions = 0.85 - (score(80, 100).interval[0] + score(90, 100).interval[0]) / 2;
  // Two seeds 0.1 apart: their mean has a standard error of 0.05.
  expect(bar.low).toBeCloseTo(0.85 - Math.hypot(questions, 1.96 * 0.05));
  const alike = barOf({ name: "full", seeds: [figures(80), figures(80)] }, "counting");
  expect(alike.low).toBeCloseTo(score(80, 100).interval[0]);
  const without = { name: "without stage 1", seeds: [figures(10)] };
  expect(abilityTable([full, without], ["counting"])).toContain("| counting | 85.0 (");
  expect(abilityChart([full, without], ["counting", "all questions"])).toContain(">without stage 1</text>");
  expect(() => barOf(full, "flying")).toThrow('must have measured "flying"');
});

test("the card tells what is reached and what is not", () => {
  const answered = { said: "this is a cat.", right: false, declined: false };
  const turn = {
    question: "what is this?",
    answer: "this is a dog.",
    ability: "name",
    letter: "b" as const,
    slot: ["dog"],
    wordings: [],
    chance: 0,
  };
  const row = {
    id: "one",
    ability: "name",
    letter: "b" as const,
    set: "S1",
    pictures: ["pictures/one.png"],
    drawings: [],
    fonts: [],
    turns: [turn],
  };
  const card = modelCard({
    config: OWL_NANO,
    read: {
      language: 125_400,
      vision: 896_000,
      layout: 128_000,
      comparing: 40_000,
      answers: 26_000,
      phrasing: 77_000,
      documents: 40_000,
      counting: 30_000,
      reading: 80_000,
      align: 50_000,
      instruct: 44_000,
    },
    weights: "8 bits",
    conceptCount: 179,
    countryCount: 66,
    figures: figures(85),
    examples: [{ row, answers: [answered] }],
  });
  expect(card).toContain("1. **Language**: 125 thousand texts");
  expect(card).toContain("**At least 60 % right:** counting (85 %).");
  expect(card).toContain("| 1 | name | what is this? | this is a dog. | this is a cat. | ✗ |");
});
