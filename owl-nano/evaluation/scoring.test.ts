import { describe, expect, it } from "vitest";
import { ask, askPlural } from "../concepts/facts.ts";
import { groupedScore, score } from "./scoring.ts";

describe("groupedScore", () => {
  const group = (i: number): string => `drawing ${i}`;

  it("is Wilson's interval where every picture has a drawing of its own", () => {
    const right = Array.from({ length: 400 }, (_, i) => i % 4 === 0);
    const { interval } = groupedScore(
      right,
      right.map((_, i) => group(i)),
    );
    for (const [i, bound] of score(100, 400).interval.entries()) expect(interval[i]).toBeCloseTo(bound, 3);
  });

  it("counts pictures that are right or wrong together once", () => {
    const right = Array.from({ length: 400 }, (_, i) => i % 100 < 25);
    const { share, of, interval } = groupedScore(
      right,
      right.map((_, i) => group(i % 100)),
    );
    expect([share, of]).toEqual([0.25, 400]);
    for (const [i, bound] of score(25, 100).interval.entries()) expect(interval[i]).toBeCloseTo(bound, 2);
  });

  it("does not take agreement of all for certainty", () => {
    const { interval } = groupedScore(
      Array.from({ length: 40 }, () => true),
      Array.from({ length: 40 }, (_, i) => group(i % 10)),
    );
    expect(interval).toEqual(score(10, 10).interval);
  });
});

describe("questions about several things", () => {
  it.each([
    ["what does X eat?", "what do pandas eat?"],
    ["tell me what X eats.", "tell me what pandas eat."],
    ["how many legs has X?", "how many legs have pandas?"],
    ["what is the baby of X called?", "what is the baby of pandas called?"],
    ["tell me what kind of thing X is.", "tell me what kind of thing pandas are."],
  ])("%s", (question, several) => {
    expect(askPlural(question, "pandas")).toBe(several);
    expect(ask(question, "a panda")).toContain("a panda");
  });

  it("say they and them", () => {
    expect(askPlural("where does X live?", "they", "them")).toBe("where do they live?");
    expect(askPlural("what is the baby of X called?", "they", "them")).toBe(
      "what is the baby of them called?",
    );
  });
});
