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
    ["multi-turn, every turn", 0.5, 0, 0.5],
  ]);
  expect(figures.overall.score).toMatchObject({ right: 2, of: 3 });
  expect(figuresTable(figures)).toContain("| name | S1 | 1 | **100.0 %** |");
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
