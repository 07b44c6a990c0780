import { describe, expect, it } from "vitest";
import type { TrainingEvent } from "../../src/training/index.ts";
import { RunHistory, roundAt, statusOf, valueAt } from "./run-history.ts";

const step = (number: number, loss: number | null = 1 / number): TrainingEvent =>
  ({
    kind: "step",
    step: number,
    steps: 8,
    loss,
    gradientNorm: 2,
    learningRate: 0.5,
    tokens: 100 * number,
    stepTokens: 100,
    seconds: 0.5,
    waitSeconds: 0.25,
    memoryBytes: 1024,
    tokensPerSecond: 180,
    secondsLeft: 90,
  }) as TrainingEvent;
const start = (number: number): TrainingEvent => ({ kind: "start", recipe: "r", step: number, steps: 8 });
const samples = (number: number, answer: string): TrainingEvent => ({
  kind: "samples",
  step: number,
  answers: [{ question: "who?", pictures: [], answer, isCut: false, attention: [] }],
});
const time = "2026-11-29T10:00:00.000Z";
const at = (seconds: number): number => Date.parse(time) + 1000 * seconds;

function historyOf(events: readonly TrainingEvent[]): RunHistory {
  const history = new RunHistory();
  for (const event of events) history.add({ time, ...event });
  return history;
}

describe("the history of a run", () => {
  it("has the curves of its steps and evaluations, and answers by step", () => {
    const { curves, samples: rounds } = historyOf([
      start(0),
      samples(0, "a"),
      step(1),
      step(2),
      { kind: "evaluation", step: 2, loss: 0.75 },
      samples(2, "b"),
      step(3),
    ]);
    expect(curves.loss).toEqual({ steps: [1, 2, 3], values: [1, 1 / 2, 1 / 3] });
    expect(curves.tokens.values).toEqual([200, 200, 200]);
    expect([curves.wait, curves.memory, curves.learningRate].map(({ values }) => values[2])).toEqual([
      0.25, 1024, 0.5,
    ]);
    expect([1, 2, 3].map((number) => valueAt(curves.heldOut, number))).toEqual([null, 0.75, 0.75]);
    expect([0, 1, 3].map((number) => roundAt(rounds, number)?.answers[0].answer)).toEqual(["a", "a", "b"]);
  });

  it("has the rewards of pairs, and the first figure of every benchmark, which a run that goes on computes again", () => {
    const score = (step: number, estimate: number): TrainingEvent => {
      const figure = (value: number) => ({ estimate: value, low: 0, high: 1 });
      const figures = { F1: figure(estimate), accuracy: figure(0) };
      return { kind: "benchmark", step, name: "pope", items: 9, seconds: 1, figures };
    };
    const pairs: TrainingEvent = {
      kind: "evaluation",
      step: 2,
      loss: 0.5,
      rewardMargin: 2,
      rewardAccuracy: 0.75,
    };
    const { curves, scores } = historyOf([
      start(0),
      score(0, 0.25),
      { ...step(1), rewardMargin: 1, rewardAccuracy: 0.5 } as TrainingEvent,
      step(2),
      pairs,
      score(2, 0.5),
      score(4, 0.75),
      start(2),
      score(3, 1),
    ]);
    expect(curves.margin).toEqual({ steps: [1], values: [1] });
    expect([curves.heldOutMargin.values, curves.heldOutAccuracy.values]).toEqual([[2], [0.75]]);
    expect([...scores]).toEqual([["pope, F1", { steps: [0, 2, 3], values: [0.25, 0.5, 1] }]]);
    expect([...historyOf([start(0), step(1)]).scores]).toEqual([]);
  });

  it("forgets what is computed again: after a checkpoint, or from the beginning", () => {
    const killed = [start(0), samples(0, "a"), step(1), step(2), samples(2, "b"), step(3), samples(3, "c")];
    const resumed = historyOf([...killed, start(2), step(3, 7), { kind: "evaluation", step: 2, loss: 1 }]);
    expect(resumed.curves.loss).toEqual({ steps: [1, 2, 3], values: [1, 1 / 2, 7] });
    expect(resumed.samples.map(({ step: number }) => number)).toEqual([0, 2]);
    const again = historyOf([...killed, start(0), samples(0, "d")]);
    expect(again.curves.loss.steps).toEqual([]);
    expect(again.samples.map(({ answers }) => answers[0].answer)).toEqual(["d"]);
  });

  it("has gaps where a number is not finite, or the log is of an earlier version", () => {
    const earlier = {
      ...step(2),
      memoryBytes: undefined,
      waitSeconds: undefined,
    } as unknown as TrainingEvent;
    const { curves } = historyOf([step(1, null), earlier, { kind: "unknown" } as unknown as TrainingEvent]);
    expect(curves.loss.values).toEqual([null, 1 / 2]);
    expect(curves.memory.values).toEqual([1024, null]);
  });

  it("tells what can be known: whether it runs, has ended, and how", () => {
    const running = [start(0), step(1)];
    const words = (events: readonly TrainingEvent[], seconds = 1): string =>
      statusOf(historyOf(events), at(seconds)).words;
    expect(words([])).toBe("has not begun");
    expect(words([start(0)])).toBe("begins");
    expect(words(running)).toBe("runs, 1 min 30 s left");
    expect(words(running, 3700)).toMatch(/^silent for 1 h 1 min/);
    expect(words([...running, { kind: "end", step: 1, complete: false }])).toMatch(/^stopped/);
    const stopped: TrainingEvent = { kind: "stopped", step: 6, bestStep: 2, bestLoss: 1 };
    expect(words([...running, stopped, { kind: "end", step: 6, complete: true }])).toMatch(
      /^finished, since .* step 2/,
    );
    expect(words([...running, { kind: "end", step: 1, complete: false }, start(1)])).toBe("begins");
  });
});
