import { expect, test } from "vitest";
import { readConcepts } from "../concepts/concepts.ts";
import { greyPicture } from "../pictures/drawn-scene.ts";
import type { Asked } from "./answering.ts";
import { figuresTable, summarise } from "./figures.ts";
import { askRows } from "./measure.ts";
import { captionedConcept } from "./photos.ts";
import type { QuestionRow, QuestionSet, ScoredTurn } from "./rows.ts";
import { sampleRows } from "./sample.ts";

const white = { width: 2, height: 2, data: new Uint8Array(12).fill(255) };
const turn = (question: string, answer: string, slot: string[]): ScoredTurn => ({
  question,
  answer,
  slot,
  ability: "name",
  letter: "b",
  wordings: [question],
  chance: 0.5,
});
const row = (id: string, ability: string, turns: ScoredTurn[]): QuestionRow => ({
  id,
  ability,
  letter: ability === "name" ? "b" : "f",
  set: "S1",
  pictures: ["a.png"],
  drawings: [`noto/${id}`],
  fonts: [],
  turns,
});
const set: QuestionSet = {
  name: "test",
  rows: [
    row("one", "name", [turn("what is this?", "this is a dog.", ["dog"])]),
    row("two", "multi-turn", [
      turn("what is this?", "this is a dog.", ["dog"]),
      turn("is it a dog?", "yes, this is a dog.", ["yes"]),
    ]),
  ],
  pictureOf: () => white,
};

/** Knows a dog where it sees white. */
async function owl(asked: readonly Asked[]): Promise<string[]> {
  return asked.map(({ pictures, question }) => {
    const sees = pictures[0].data[0] === 255;
    return question.startsWith("is it") ? "no." : sees ? "this is a dog." : "this is a cat.";
  });
}

test("conversations go on from the owl's own answers, and a blind owl sees grey", async () => {
  const heard: Asked[] = [];
  const listening = async (asked: readonly Asked[]): Promise<string[]> => {
    heard.push(...asked);
    return owl(asked);
  };
  const seen = await askRows(set, listening);
  expect(heard.at(-1)?.earlier).toEqual([{ question: "what is this?", answer: "this is a dog." }]);
  expect(seen.map(({ answers }) => answers.map(({ right }) => right))).toEqual([[true], [true, false]]);
  heard.length = 0;
  await askRows(set, listening, { blind: true });
  expect(heard[0].pictures[0]).toEqual(greyPicture(192));
});

test("the table has every ability with its blind score and chance, a conversation right where all of it is", async () => {
  const figures = summarise("test", await askRows(set, owl), await askRows(set, owl, { blind: true }));
  const shares = figures.rows.map(({ ability, score, blind, chance }) => [
    ability,
    score.share,
    blind?.share,
    chance,
  ]);
  expect(shares).toEqual([
    ["name", 1, 0, 0.5],
    ["multi-turn", 0, 0, 0.25],
    ["multi-turn, turn by turn", 0.5, 0, 0.5],
  ]);
  expect(figures.overall.score).toMatchObject({ right: 2, of: 3 });
  expect(figuresTable(figures)).toContain("| name | S1 | 1 | **100.0 %** |");
});

/** Rows of an ability as an owl has answered them: the wording, the true answer and whether it was right, of a picture or none. */
function measured(
  ability: string,
  answered: readonly (readonly [wording: string, answer: string, right: boolean])[],
  isPictured = true,
) {
  return answered.map(([wording, answer, right], i) => {
    const one = { ...turn(wording, answer, [answer]), ability, chance: 0.1 };
    const pictured = { ...row(`${i}`, ability, [one]), drawings: isPictured ? [`noto/${i}`] : [] };
    return {
      row: isPictured ? pictured : { ...pictured, pictures: [] },
      answers: [{ said: answer, right, declined: false }],
    };
  });
}

test("an interval is as wide as what answers have in common makes it: their wording, or their fact", () => {
  const wordings = Array.from({ length: 60 }, (_, i) => [`${i % 6}`, `${i}`, i % 6 > 0] as const);
  const { abilities } = summarise("test", measured("color", wordings));
  const [{ score, byDrawing }] = abilities;
  expect(score.share).toBeCloseTo(5 / 6);
  expect(score.interval[0]).toBeLessThan(0.5);
  expect(byDrawing[0]).toBeGreaterThan(0.7);
  const facts = Array.from({ length: 60 }, (_, i) => [`${i}`, `${i % 6}`, i % 6 > 0] as const);
  const [text] = summarise("test", measured("text fact", facts, false)).abilities;
  expect(text.score.interval[0]).toBeLessThan(0.5);
  expect(text.byDrawing).toEqual(text.score.interval);
});

test("chance is the commonest answer where that is right more often than a guess", () => {
  const rows = measured("counting", [
    ["a", "one", true],
    ["b", "one", false],
    ["c", "two", true],
    ["d", "three", true],
  ]);
  expect(summarise("test", rows).abilities[0].chance).toBe(0.5);
  const unsure = measured("unsure", [
    ["a", "not sure", true],
    ["b", "not sure", true],
  ]);
  expect(summarise("test", unsure).abilities[0].chance).toBeCloseTo(0.1);
});

test("where a row has pictures in part, blind answers to the rest are the same; where it has none there are none", () => {
  const some = measured("knowledge", [["a", "dog", true]]);
  const texts = measured("knowledge", [["b", "cat", true]], false).map((one) => ({
    ...one,
    row: { ...one.row, id: "text" },
  }));
  const blind = measured("knowledge", [["a", "dog", false]]);
  const figures = summarise("test", [...some, ...texts], blind);
  expect([figures.overall.score.right, figures.overall.blind?.right, figures.overall.blind?.of]).toEqual([
    2, 1, 2,
  ]);
  expect(summarise("test", texts, blind).overall.blind).toBeUndefined();
});

test("a sample is the same every time and has some of each ability", () => {
  const rows = Array.from({ length: 200 }, (_, i) => row(`${i}`, i < 180 ? "name" : "multi-turn", []));
  const sample = sampleRows(rows, 40);
  expect(sampleRows(rows, 40)).toEqual(sample);
  expect(sample.filter(({ ability }) => ability === "name")).toHaveLength(36);
  expect(sample.filter(({ ability }) => ability === "multi-turn")).toHaveLength(9);
});

test("a caption names a thing where nothing in it makes it another", () => {
  const named = (caption: string): string | undefined => captionedConcept(caption, readConcepts())?.name;
  expect(
    [
      "A ripe, red tomato.",
      "A fire truck.",
      "Two city houses.",
      "A pair of cherries.",
      "A sea lion.",
      "A dog.",
    ].map(named),
  ).toEqual(["tomato", undefined, undefined, "cherries", undefined, "dog"]);
});
