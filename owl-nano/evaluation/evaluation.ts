import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import { ask, factsOf, type Relation } from "../concepts/facts.ts";
import type { Sprite } from "../drawings/atlas.ts";
import { greyPicture, type Picture, renderSprites } from "../pictures/pictures.ts";
import { randomFor } from "../random.ts";
import { PICTURE_QUESTIONS, trained } from "../texts/dialogue.ts";
import type { Material } from "../training/sources.ts";
import type { Answerer } from "./answering.ts";
import { groupedScore, namedColor, namedThing, normalise, type Score } from "./scoring.ts";

/** A held-out picture with what is asked about it. */
export interface TestItem {
  readonly sprite: string;
  readonly concept: Concept;
  readonly color: number;
  readonly picture: Picture;
  readonly nameQuestion: string;
  readonly colorQuestion: string;
  readonly fact: { readonly relation: Relation; readonly value: string };
  readonly factQuestion: string;
}

/** Which questions the test asks: those of training, or the phrasing of each that training never used. */
export type Phrasing = "seen" | "unseen";

function question(
  phrasings: readonly string[],
  phrasing: Phrasing,
  pick: (choices: readonly string[]) => string,
): string {
  return phrasing === "unseen" ? phrasings.at(-1)! : pick(trained(phrasings));
}

/** `count` items on these sprites, each sprite as often as the others, on every color in turn. */
export function testItems(
  material: Material,
  sprites: readonly Sprite[],
  count: number,
  phrasing: Phrasing = "seen",
): TestItem[] {
  return Array.from({ length: count }, (_, index) => {
    const random = randomFor(20230427, "test", index);
    const pick = (choices: readonly string[]): string => random.pick(choices);
    const sprite = sprites[index % sprites.length];
    const concept = material.concepts.find(({ index }) => index === sprite.label)!;
    const color = random.integer(COLORS.length);
    const fact = random.pick(factsOf(concept));
    return {
      sprite: sprite.id,
      concept,
      color,
      picture: renderSprites([sprite], concept, color, random),
      nameQuestion: question(PICTURE_QUESTIONS.name, phrasing, pick),
      colorQuestion: question(PICTURE_QUESTIONS.color, phrasing, pick),
      fact,
      factQuestion: ask(question(fact.relation.questions, phrasing, pick), "it"),
    };
  });
}

function isNamed(answer: string, { concept }: TestItem): boolean {
  const thing = namedThing(answer);
  return thing === concept.name || thing === concept.plural;
}

function factRight(answer: string, { concept, fact }: TestItem): boolean {
  return normalise(answer).endsWith(normalise(fact.relation.answer(concept, fact.value)));
}

/** The three abilities on one set. */
export interface Scores {
  readonly name: Score;
  readonly color: Score;
  /** Among the pictures that were named right. */
  readonly followUp: Score;
}

export interface SetReport {
  readonly set: string;
  readonly sees: Scores;
  /** The same questions with an even grey in place of the picture. */
  readonly blind: Scores;
  readonly chance: { readonly name: number; readonly color: number; readonly followUp: number };
  /** What was asked and answered, for reading. */
  readonly transcript: readonly {
    readonly sprite: string;
    readonly name: string;
    readonly color: string;
    readonly followUp: string;
  }[];
}

/** How often the commonest value of the asked relation would be right. */
function followUpChance(items: readonly TestItem[], concepts: readonly Concept[]): number {
  const values = new Map<string, string[]>();
  for (const concept of concepts)
    for (const { relation, value } of factsOf(concept))
      values.set(relation.name, [...(values.get(relation.name) ?? []), value]);
  const commonest = new Map(
    [...values].map(([relation, all]) => {
      const most = Math.max(
        ...[...new Set(all)].map((value) => all.filter((other) => other === value).length),
      );
      return [relation, most / all.length];
    }),
  );
  return (
    items.reduce((sum, item) => sum + commonest.get(item.fact.relation.name)!, 0) / Math.max(1, items.length)
  );
}

interface Answers {
  readonly names: string[];
  readonly colors: string[];
  readonly followUps: string[];
}

async function collectAnswers(
  items: readonly TestItem[],
  answer: Answerer,
  pictureOf: (item: TestItem) => Picture,
): Promise<Answers> {
  const names = await answer(
    items.map((item) => ({ pictures: [pictureOf(item)], earlier: [], question: item.nameQuestion })),
  );
  const colors = await answer(
    items.map((item) => ({ pictures: [pictureOf(item)], earlier: [], question: item.colorQuestion })),
  );
  // The follow-up goes on from what the owl itself said.
  const followUps = await answer(
    items.map((item, i) => ({
      pictures: [pictureOf(item)],
      earlier: [{ question: item.nameQuestion, answer: names[i] }],
      question: item.factQuestion,
    })),
  );
  return { names, colors, followUps };
}

function scoresOf(items: readonly TestItem[], answers: Answers, counted: (index: number) => boolean): Scores {
  const indices = items.map((_, i) => i);
  const scored = (asked: readonly number[], isRight: (i: number) => boolean): Score =>
    groupedScore(
      asked.map(isRight),
      asked.map((i) => items[i].sprite),
    );
  return {
    name: scored(indices, (i) => isNamed(answers.names[i], items[i])),
    color: scored(indices, (i) => namedColor(answers.colors[i]) === COLORS[items[i].color].name),
    followUp: scored(indices.filter(counted), (i) => factRight(answers.followUps[i], items[i])),
  };
}

/** Asks everything about every item, once with the picture and once blind. Exact match of the normalised answer. */
export async function evaluateSet(
  set: string,
  items: readonly TestItem[],
  concepts: readonly Concept[],
  answer: Answerer,
): Promise<SetReport> {
  const seen = await collectAnswers(items, answer, (item) => item.picture);
  const grey = greyPicture(64);
  const blind = await collectAnswers(items, answer, () => grey);
  const namedRight = (i: number): boolean => isNamed(seen.names[i], items[i]);
  return {
    set,
    sees: scoresOf(items, seen, namedRight),
    // The same items as above, so that the two follow-up scores can be compared.
    blind: scoresOf(items, blind, namedRight),
    chance: {
      name: 1 / concepts.length,
      color: 1 / COLORS.length,
      followUp: followUpChance(
        items.filter((_, i) => namedRight(i)),
        concepts,
      ),
    },
    transcript: items.map((item, i) => ({
      sprite: item.sprite,
      name: seen.names[i],
      color: `${COLORS[item.color].name}: ${seen.colors[i]}`,
      followUp: `${item.factQuestion} ${seen.followUps[i]}`,
    })),
  };
}

const LABELS = {
  name: "object name",
  color: "background color",
  followUp: "follow-up, of those named right",
} as const;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The figures as a Markdown table. */
export function table(reports: readonly SetReport[]): string {
  const rows = reports.flatMap(({ set, sees, blind, chance }) =>
    (Object.keys(LABELS) as (keyof typeof LABELS)[]).map((ability) => {
      const { share, interval, of } = sees[ability];
      const range = `${percent(interval[0])} – ${percent(interval[1])}`;
      return `| ${LABELS[ability]} | ${set} | ${of} | **${percent(share)}** | ${range} | ${percent(blind[ability].share)} | ${percent(chance[ability])} |`;
    }),
  );
  return [
    "| ability | set | n | score | 95 % | blind | chance |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
