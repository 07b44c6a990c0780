import { readWords } from "../concepts/words.ts";
import { type Picture, renderClean } from "../pictures/drawn-scene.ts";
import type { Drawings, Hand } from "../pictures/supplies.ts";
import { testSupply, validationSupply } from "../pictures/supplies.ts";
import { type Random, randomFor } from "../random.ts";
import { isForValidation, splitWords } from "../scenes/held-out.ts";
import type { Scene } from "../scenes/scene.ts";
import type { AskedTurn, Telling, World } from "../texts/turns.ts";
import { chanceOf } from "./chance.ts";
import { type Block, type Made, QUESTION_PLAN } from "./question-plan.ts";
import { QUESTION_PICTURE_SIZE, type QuestionStudio, seenScene } from "./question-scenes.ts";
import type { QuestionRow, QuestionSet, ScoredTurn } from "./rows.ts";

/** What choices are made on, and what is looked at when all are made. */
export const SPLITS = ["validation", "test"] as const;
export type Split = (typeof SPLITS)[number];

const SEEDS: Readonly<Record<Split, number>> = { validation: 20230428, test: 20230429 };

/** How many rows a split has of what the plan says: a choice needs fewer than a result. */
const SHARES: Readonly<Record<Split, number>> = { validation: 0.5, test: 1 };

/** Makes the rows of a split with their pictures and what these show, or a share of each block's; the same every time. */
export function makeQuestions(
  drawings: Drawings,
  split: Split,
  share = SHARES[split],
): QuestionSet & { readonly scenes: ReadonlyMap<Picture, Scene> } {
  const isValidation = split === "validation";
  const { test } = splitWords(readWords());
  const own = test.filter((word) => isForValidation(`word ${word}`) === isValidation);
  const world: World = { concepts: drawings.concepts, countries: drawings.countries, words: own };
  const supplies = new Map<Hand, ReturnType<typeof testSupply>>();
  for (const hand of ["known", "S1", "S2"] as const)
    supplies.set(hand, isValidation ? validationSupply(drawings) : testSupply(drawings, hand));
  const pictures = new Map<string, Picture>();
  const scenes = new Map<Picture, Scene>();
  const rows = QUESTION_PLAN.flatMap((block, number) => {
    const count = Math.ceil(block.count * share);
    const blockRows: QuestionRow[] = [];
    for (let index = 0; blockRows.length < count; index++) {
      if (index > 400 * count)
        throw new Error(
          `questions: "${block.ability}" on ${block.set} must give ${count} rows, gave ${blockRows.length}`,
        );
      const random = randomFor(SEEDS[split], `questions ${number}`, index);
      const supply = supplies.get(block.hand)!;
      const studio: QuestionStudio = {
        supply,
        size: QUESTION_PICTURE_SIZE,
        random,
        isValidation,
        words: own,
      };
      const telling: Telling = { world, random, part: split };
      const made = block.make({ studio, telling, index });
      if (made === undefined || made.turns.length === 0) continue;
      const row = rowOf(
        block,
        `${slug(block)}-${String(blockRows.length + 1).padStart(3, "0")}`,
        made,
        telling,
      );
      for (const [i, scene] of made.scenes.entries()) {
        const picture = renderClean(scene, random);
        pictures.set(row.pictures[i], picture);
        scenes.set(picture, seenScene(scene));
      }
      blockRows.push(row);
    }
    return blockRows;
  });
  return { name: split, rows, pictureOf: (file) => pictures.get(file)!, scenes };
}

function slug({ ability, set }: Block): string {
  return `${ability} ${set}`.toLowerCase().replaceAll(" ", "-");
}

/** What validation holds out of a set: no drawing, no layout and no flag. */
function validationSet(set: string): string {
  const held = set.split(" ").filter((name) => !/^S[1279]$/.test(name));
  return held.length === 0 ? "known" : held.join(" ");
}

/** Pictures with share-alike drawings have a folder of their own. */
function folderOf({ hand }: Block): string {
  return hand === "S2" ? "S2" : "pictures";
}

function rowOf(block: Block, id: string, { scenes, turns }: Made, telling: Telling): QuestionRow {
  const drawings = scenes.flatMap(({ placements }) => placements.map(({ sprite }) => sprite.id));
  const fonts = [...new Set(scenes.flatMap(({ letterings }) => letterings.map(({ face }) => face.font)))];
  const files = scenes.map((_, i) => `${folderOf(block)}/${id}${scenes.length > 1 ? "ab"[i] : ""}.png`);
  return {
    id,
    ability: block.ability,
    letter: turns.length > 1 ? "f" : turns[0].letter,
    set: telling.part === "test" ? block.set : validationSet(block.set),
    pictures: files,
    drawings: [...new Set(drawings)],
    fonts,
    turns: turns.map((turn) => scoredTurn(turn, telling.random)),
  };
}

/** A turn as it is kept, its question as people write it. */
export function scoredTurn(turn: AskedTurn, random: Random): ScoredTurn {
  const { question, answer, ability, letter, slot, anyOf, form, wordings } = turn;
  return {
    question: asPeopleWrite(question, random),
    answer,
    ability,
    letter,
    slot,
    ...(form === undefined ? {} : { form }),
    ...(anyOf === undefined ? {} : { anyOf }),
    chance: chanceOf(turn),
    wordings,
  };
}

/** Half of the people begin with a capital, a few shout. */
function asPeopleWrite(question: string, random: Random): string {
  const dice = random.next();
  if (dice < 0.05 && !question.includes('"')) return question.toUpperCase();
  return dice < 0.5 ? question[0].toUpperCase() + question.slice(1) : question;
}
