import { expect, test } from "vitest";
import { effectiveGrades, type Grade, type GradedAnswer, type GradeRecord } from "./grades.ts";
import { releasedCounts } from "./released-counts.ts";
import { owlEvalReport } from "./report-numbers.ts";

/** Grades of questions 1, 2, … by one rater, each about a picture of its own. */
const given = (rater: string, system: string, letters: string, order?: number): GradedAnswer[] =>
  [...letters].map((grade, i) => ({
    questionId: i + 1,
    image: `${i + 1}.jpg`,
    abilities: i === 0 ? ["a"] : ["a", "c"],
    category: ["single_turn"],
    system,
    answer: "mark",
    rater,
    order,
    grade: grade as Grade,
  }));

test("an answer counts one, shared among its raters", () => {
  const { verdicts } = owlEvalReport([...given("anna", "x", "AAC"), ...given("ben", "x", "BAD")]);
  const [entry] = verdicts[0].categories.single_turn;
  expect(entry).toMatchObject({ answers: 3, counts: { A: 1.5, B: 0.5, C: 0.5, D: 0.5 } });
  expect(entry.acceptable.estimate).toBeCloseTo(2 / 3, 12);
  expect(entry.acceptable.low).toBeLessThan(entry.acceptable.estimate);
  expect(verdicts[0].categories.multi_turn).toEqual([]);
  expect(verdicts[0].abilities.c[0]).toMatchObject({ answers: 2, counts: { A: 1, B: 0, C: 0.5, D: 0.5 } });
});

test("win rates: better grades one, equal ones half, within each rater", () => {
  const { verdicts } = owlEvalReport([
    ...given("anna", "x", "AACD"),
    ...given("anna", "y", "BABC"),
    ...given("ben", "x", "A"),
    ...given("ben", "y", "A"),
  ]);
  // Questions: (1 + 1/2) / 2, 1/2, 0, 0.
  expect(verdicts[0].winRates).toMatchObject([{ first: "x", second: "y", questions: 4, estimate: 0.3125 }]);
});

test("a judge stays apart from people, and its two orders are seen", () => {
  const { verdicts, agreement, inconsistencies } = owlEvalReport([
    ...given("judge:m", "x", "AABD", 1),
    ...given("judge:m", "x", "ABBD", 2),
    ...given("anna", "x", "AABD"),
  ]);
  expect(verdicts.map(({ by }) => by)).toEqual(["people", "judge:m"]);
  expect(verdicts[1].categories.single_turn[0].counts).toEqual({ A: 1.5, B: 1.5, C: 0, D: 1 });
  expect(inconsistencies).toEqual([{ judge: "judge:m", questionId: 2, system: "x", grades: ["A", "B"] }]);
  const [orders, first, second] = agreement.pairs;
  expect(orders).toMatchObject({ first: "judge:m, order 1", second: "judge:m, order 2", equal: 0.75 });
  expect(first).toMatchObject({ second: "anna", kappa: 1 });
  // Equal 3/4; by chance (1·2 + 2·1 + 0 + 1·1) / 16 = 5/16; so (12 − 5) / (16 − 5).
  expect(second.kappa).toBeCloseTo(7 / 11, 12);
  expect(agreement.fleiss).toBeUndefined();
});

test("three people: Fleiss's kappa over what two or more graded", () => {
  const { agreement } = owlEvalReport([
    ...given("a", "x", "AB"),
    ...given("b", "x", "AB"),
    ...given("c", "x", "ABC"),
  ]);
  expect(agreement.fleiss).toEqual({ raters: 3, answers: 2, kappa: 1 });
});

test("released counts are those of 50 and 52 questions", () => {
  const { published } = owlEvalReport(given("anna", "x", "A"), releasedCounts);
  expect(published?.categories.single_turn.map(({ answers }) => answers)).toEqual([50, 50, 50, 50, 50]);
  expect(published?.categories.multi_turn.map(({ answers }) => answers)).toEqual([52, 52, 52, 52, 52]);
  expect(published?.categories.single_turn[4].acceptable.estimate).toBeCloseTo(0.84, 12);
});

test("an undo takes back what its rater said last, and nobody else's", () => {
  const line = (rater: string, grade: Grade, question_id = 1): GradeRecord => ({
    image: "1.jpg",
    question_id,
    ability: "a, b",
    category: ["single_turn"],
    model_id: "x",
    answer: "mark",
    rater,
    time: "now",
    grade,
  });
  const undo = (rater: string): GradeRecord => ({ undo: true, rater, time: "now" });
  const lines = [
    line("a", "A"),
    line("a", "D"),
    line("b", "C"),
    undo("a"),
    undo("b"),
    undo("b"),
    line("a", "B", 2),
  ];
  expect(effectiveGrades(lines)).toMatchObject([
    { rater: "a", questionId: 1, grade: "A", abilities: ["a", "b"] },
    { rater: "a", questionId: 2, grade: "B" },
  ]);
});
