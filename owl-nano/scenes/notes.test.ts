import { expect, test } from "vitest";
import { COLORS } from "../concepts/colors.ts";
import { readConcepts } from "../concepts/concepts.ts";
import { randomFor } from "../random.ts";
import { kindOfRelation, RELATION_KINDS, RELATIONS } from "./note-relations.ts";
import { NOTE_CELLS, NOTE_COLUMNS, noisyNotes, notesOf, WORDS_PER_NOTE, withoutCounts } from "./notes.ts";
import type { Scene } from "./scene.ts";

const dog = readConcepts().find(({ name }) => name === "dog")!;
const brown = COLORS.findIndex(({ name }) => name === "brown");

const scene: Scene = {
  background: 0,
  things: [{ subject: { kind: "concept", concept: dog }, x: 20, y: 40, size: 30, color: brown }],
  lines: [{ text: "AB C", centers: [44, 52, 60, 72], y: 88 }],
};

test("a cell says what has its middle in it: the thing with its color, a character, else the background", () => {
  const notes = notesOf(scene);
  expect(notes).toHaveLength(NOTE_CELLS);
  expect(notes[2 * NOTE_COLUMNS + 2]).toEqual({
    kind: "thing",
    words: [
      { word: "dog", weight: 1 },
      { word: "brown", weight: 0.5 },
    ],
    relations: [{ word: "among 1", weight: 1 }],
  });
  const said = [5, 6, 7, 9].map((column) => notes[5 * NOTE_COLUMNS + column].words[0].word);
  expect(said).toEqual(["A", "B", "white", "C"]);
  expect(notes[0]).toEqual({ kind: "background", words: [{ word: "white", weight: 0.5 }], relations: [] });
});

test("a character's cell says what stands before and after it, a thing's how many there are of its name", () => {
  const [thing] = scene.things;
  const things = [thing, { ...thing, x: 68 }];
  const lines = [{ text: "AB C", centers: [44, 52, 60, 70], y: 88 }];
  const said = notesOf({ ...scene, things, lines }).flatMap(({ words, relations }) =>
    relations.length === 0 ? [] : [[words[0].word, ...relations.map(({ word }) => word)]],
  );
  expect(said).toEqual([
    ["dog", "among 2"],
    ["dog", "among 2"],
    ["A", "before edge", "after B"],
    ["B", "before A", "after gap"],
    ["C", "before gap", "after edge"],
  ]);
});

test("without counts the notes say all but how many there are", () => {
  const notes = notesOf(scene);
  const [said, left] = [notes, withoutCounts(notes)].map((all) => all.flatMap(({ relations }) => relations));
  expect(left).toEqual(said.filter(({ word }) => word !== "among 1"));
  expect(left.length).toBe(said.length - 1);
});

test("a mistaken relation is another of its kind", () => {
  const noise = { doubt: 0, leak: 0, jitter: 0, blur: 1, mistake: 1 };
  const notes = noisyNotes(scene, ["cat"], noise, randomFor(1, "noise", 0));
  const told = notes.flatMap(({ relations }) => relations.map(({ word }) => word));
  const heard = ["among 1", "before edge", "after B", "before A", "after gap", "before gap", "after edge"];
  expect(told.filter((relation) => heard.includes(relation)).length).toBeLessThan(told.length / 2);
  expect(new Set(told.map(kindOfRelation))).toEqual(new Set(RELATION_KINDS));
  expect(told.every((relation) => RELATIONS.includes(relation))).toBe(true);
});

test("near an edge a thing is said in both cells, and its weights add up to one", () => {
  const weightsOf = (x: number, y: number, blur?: number): number[] => {
    const notes = notesOf({ ...scene, things: [{ ...scene.things[0], x, y }] }, blur);
    return notes
      .flatMap(({ words }) => words.filter(({ word }) => word === "dog"))
      .map(({ weight }) => weight);
  };
  const weights = weightsOf(24.2, 47.6);
  expect(weights.length).toBe(4);
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1);
  expect(weightsOf(25.5, 46)).toEqual([1]);
  expect(weightsOf(25.5, 46, 3)).toHaveLength(4);
});

test("noise leaves the right name the loudest, and never more words than a cell can say", () => {
  for (let i = 0; i < 200; i++) {
    const noise = { doubt: 1, leak: 0.5, jitter: 0.2, blur: 3, mistake: 0.5 };
    const notes = noisyNotes(scene, ["cat", "tree"], noise, randomFor(1, "noise", i));
    const sums = new Map<string, number>();
    for (const { words } of notes) {
      expect(words.length).toBeLessThanOrEqual(WORDS_PER_NOTE);
      for (const { word, weight } of words) sums.set(word, (sums.get(word) ?? 0) + weight);
    }
    const other = Math.max(sums.get("cat") ?? 0, sums.get("tree") ?? 0);
    expect(sums.get("dog")).toBeGreaterThan(other);
  }
});
