import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { countryFactsOf } from "../concepts/country-facts.ts";
import { factsOf } from "../concepts/facts.ts";
import { readWords } from "../concepts/words.ts";
import { TEST_FONTS } from "../drawings/glyphs.ts";
import { splitWords } from "../scenes/held-out.ts";
import { WORDINGS, wordingsOf } from "../texts/wordings.ts";
import { loadMaterial, type Material } from "../training/sources.ts";
import { judge } from "./judging.ts";
import { QUESTIONS_FOLDER, readRows } from "./question-files.ts";
import { makeQuestions, type Split } from "./question-set.ts";
import type { QuestionRow, QuestionSet } from "./rows.ts";

let material: Material;
let sets: Readonly<Record<Split, QuestionSet>>;
/** The test as it is kept, and as it would be made now. */
let tests: readonly QuestionRow[];
beforeAll(async () => {
  material = await loadMaterial();
  const some = (split: Split): QuestionSet => makeQuestions(material.drawings, split, 0.1);
  sets = { test: some("test"), validation: some("validation") };
  tests = [...readRows(), ...sets.test.rows];
});

test("are the same every time, and those of the two splits differ", () => {
  const again = makeQuestions(material.drawings, "test", 0.1);
  expect(again.rows).toEqual(sets.test.rows);
  const [file] = again.rows[0].pictures;
  expect(again.pictureOf(file)).toEqual(sets.test.pictureOf(file));
  const questions = (split: Split): string[] =>
    sets[split].rows.map(({ drawings, turns }) => `${drawings} ${turns[0].question}`);
  const test = new Set(questions("test"));
  expect(questions("validation").filter((question) => test.has(question))).toEqual([]);
});

test("the kept questions have their pictures, few enough bytes, and a name each", () => {
  const rows = readRows();
  expect(rows.length).toBeGreaterThan(1900);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  const files = rows.flatMap(({ pictures }) => pictures.map((file) => join(QUESTIONS_FOLDER, file)));
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
  expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(8e6);
  const shareAlike = rows.filter(({ drawings }) =>
    drawings.some((drawing) => drawing.startsWith("openmoji")),
  );
  expect(shareAlike.length).toBeGreaterThan(0);
  const elsewhere = shareAlike.flatMap(({ pictures }) => pictures.filter((file) => !file.startsWith("S2/")));
  expect(elsewhere).toEqual([]);
});

test.each<Split>(["test", "validation"])("true answers of %s are judged right", (split) => {
  const rows = split === "test" ? tests : sets.validation.rows;
  const wrong = rows.flatMap(({ id, turns }) =>
    turns.filter((turn) => !judge(turn, turn.answer).right).map(({ answer }) => `${id}: ${answer}`),
  );
  expect(wrong).toEqual([]);
});

test("no test shows a drawing of its set, or a font, that training shows", () => {
  const trained = new Set([...material.sprites.train, ...material.sprites.flags].map(({ id }) => id));
  for (const { id, set, drawings, fonts } of tests) {
    if (/S1|S2|S9|strangers/.test(set))
      expect(
        drawings.filter((drawing) => trained.has(drawing)),
        id,
      ).toEqual([]);
    expect(
      fonts.filter((font) => !(TEST_FONTS as readonly string[]).includes(font)),
      id,
    ).toEqual([]);
  }
});

test("no sign of the test says a word that training writes", () => {
  const trained = new Set(splitWords(readWords()).train.map((word) => word.toUpperCase()));
  const signs = tests.filter(({ ability }) => /scene text|word/.test(ability));
  const said = signs.flatMap(({ turns }) => turns.flatMap(({ answer }) => answer.match(/[A-Z]{2,}/g) ?? []));
  expect(said.length).toBeGreaterThan(80);
  expect(said.filter((word) => trained.has(word))).toEqual([]);
});

test("validation shows no drawing and no font of the tests", () => {
  const { S1, S2, S9 } = material.sprites;
  const held = new Set([...S1, ...S2, ...S9].map(({ id }) => id));
  for (const { id, drawings, fonts } of sets.validation.rows) {
    expect(
      drawings.filter((drawing) => held.has(drawing)),
      id,
    ).toEqual([]);
    expect(
      fonts.filter((font) => (TEST_FONTS as readonly string[]).includes(font)),
      id,
    ).toEqual([]);
  }
});

test("no question is asked in words that training asks it in", () => {
  const { concepts, countries } = material.drawings;
  const relations = new Set([
    ...concepts.flatMap((concept) => factsOf(concept).map(({ relation }) => relation.questions)),
    ...countries.flatMap((country) =>
      countryFactsOf(country).flatMap(({ relation }) => [relation.questions, relation.followUps]),
    ),
  ]);
  const lists: (readonly string[])[] = [...Object.values(WORDINGS), ...relations];
  const trained = new Set(lists.flatMap((list) => wordingsOf(list, "train")));
  for (const split of ["test", "validation"] as const) {
    const own = new Set(lists.flatMap((list) => wordingsOf(list, split)));
    const foreign = (split === "test" ? tests : sets.validation.rows).flatMap(({ turns }) =>
      turns.flatMap(({ wordings }) =>
        wordings.filter((wording) => trained.has(wording) || !own.has(wording)),
      ),
    );
    expect(foreign).toEqual([]);
  }
});
