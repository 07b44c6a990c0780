import type { Random } from "../random.ts";
import type { Scene } from "../scenes/scene.ts";
import { calendarTurn, sumTurn } from "./abilities/arithmetic.ts";
import { countAllTurn, countKindTurn, countTurn, isCountTurn } from "./abilities/counting.ts";
import { documentTurn } from "./abilities/documents.ts";
import { formTurn } from "./abilities/forms.ts";
import { byName, knowledgeTurn, picturedFacts, textFactTurn } from "./abilities/knowledge.ts";
import { backgroundTurn, colorTurn, isColorTurn, positionTurn } from "./abilities/looking.ts";
import { multiTurn } from "./abilities/multi-turn.ts";
import { describeTurn, nameOfKindTurn, nameTurn } from "./abilities/naming.ts";
import { absentTurn, isThisTurn, kindPresenceTurn, presenceTurn } from "./abilities/presence.ts";
import { propertyTurn, whichOfTwoTurn } from "./abilities/properties.ts";
import { legsTurn, moreTurn, oddTurn, sameKindTurn } from "./abilities/reasoning.ts";
import { isRelationTurn, sideTurn, whatIsTurn, whereTurn } from "./abilities/relations.ts";
import {
  doesItSayTurn,
  isTextTurn,
  letterTurn,
  noTextTurn,
  readTurn,
  signColorTurn,
} from "./abilities/signs.ts";
import { areYouSureTurn, aside, memoryTurns, sayAgainTurn } from "./abilities/small-talk.ts";
import { twoPictureChecks, twoPictureTurns } from "./abilities/two-pictures.ts";
import { unsureTurn } from "./abilities/unsure.ts";
import { type SceneKind, sceneKind } from "./scene-words.ts";
import type { AskedTurn, Telling } from "./turns.ts";
import { pickWeighted } from "./weights.ts";

/** Turns about a scene, none where it gives no occasion. */
type PictureAbility = (scene: Scene, telling: Telling, earlier: readonly AskedTurn[]) => AskedTurn[];

type Weights = readonly (readonly [number, PictureAbility])[];

/** Something that has nothing to do with the picture: a sum, a fact of another thing. */
function beside(scene: Scene, telling: Telling): AskedTurn[] {
  const { random, world, part } = telling;
  if (random.chance(0.4)) return random.pick([sumTurn, calendarTurn])(telling);
  const concept = random.pick(world.concepts);
  const facts = picturedFacts(concept, part);
  const shown = scene.things.some(({ subject }) => subject.kind === "concept" && subject.concept === concept);
  if (shown || facts.length === 0) return [];
  return [textFactTurn(concept, random.pick(facts), byName(concept, telling), telling)];
}

/** What may be said beside any picture. */
const ASIDES: Weights = [
  [1, (_, telling) => [aside(telling)]],
  [1.5, (_, telling, earlier) => areYouSureTurn(earlier, telling)],
  [0.6, (_, telling, earlier) => sayAgainTurn(earlier, telling)],
  [0.6, (scene, telling) => memoryTurns(telling, nameTurn(scene, telling))],
  [0.6, isTextTurn],
  [2.5, unsureTurn],
  [1, noTextTurn],
  [1.5, beside],
];

/** What is asked of each kind of picture, with sampling weights; what a scene gives no occasion for is drawn anew. */
const WEIGHTS: Readonly<Record<SceneKind, Weights>> = {
  single: [
    ...ASIDES,
    [4, nameOfKindTurn],
    [2, kindPresenceTurn],
    [2, absentTurn],
    [9, describeTurn],
    [14, nameTurn],
    [6, backgroundTurn],
    [6, colorTurn],
    [3, isColorTurn],
    [6, presenceTurn],
    [7, isThisTurn],
    [2, countTurn],
    [1.5, countAllTurn],
    [4, positionTurn],
    [13, formTurn],
    [19, knowledgeTurn],
    [7, propertyTurn],
    [4, legsTurn],
    [10, multiTurn],
    [1.5, unsureTurn],
  ],
  several: [
    ...ASIDES,
    [2, absentTurn],
    [10, describeTurn],
    [8, nameTurn],
    [5, backgroundTurn],
    [6, presenceTurn],
    [22, countTurn],
    [6, countAllTurn],
    [7, isCountTurn],
    [10, formTurn],
    [6, knowledgeTurn],
    [14, legsTurn],
    [7, multiTurn],
  ],
  pair: [
    ...ASIDES,
    [3, countKindTurn],
    [2, kindPresenceTurn],
    [2, absentTurn],
    [14, describeTurn],
    [8, nameTurn],
    [4, backgroundTurn],
    [6, colorTurn],
    [3, isColorTurn],
    [7, presenceTurn],
    [2, countTurn],
    [2, countAllTurn],
    [9, whatIsTurn],
    [9, sideTurn],
    [9, whereTurn],
    [6, isRelationTurn],
    [8, formTurn],
    [9, knowledgeTurn],
    [13, whichOfTwoTurn],
    [6, legsTurn],
    [6, sameKindTurn],
    [11, multiTurn],
  ],
  mixed: [
    ...ASIDES,
    [3, countKindTurn],
    [2, kindPresenceTurn],
    [2, absentTurn],
    [10, describeTurn],
    [7, nameTurn],
    [4, backgroundTurn],
    [4, colorTurn],
    [7, presenceTurn],
    [14, countTurn],
    [6, countAllTurn],
    [3, isCountTurn],
    [6, sideTurn],
    [8, formTurn],
    [6, knowledgeTurn],
    [17, moreTurn],
    [16, oddTurn],
    [4, legsTurn],
    [7, multiTurn],
  ],
  flag: [
    ...ASIDES,
    [8, describeTurn],
    [20, nameTurn],
    [3, backgroundTurn],
    [2, presenceTurn],
    [6, isThisTurn],
    [1, positionTurn],
    [8, formTurn],
    [34, knowledgeTurn],
    [11, multiTurn],
  ],
  sign: [
    ...ASIDES,
    [9, describeTurn],
    [5, nameTurn],
    [30, readTurn],
    [18, letterTurn],
    [10, doesItSayTurn],
    [6, signColorTurn],
    [3, isTextTurn],
    [1, presenceTurn],
    [7, multiTurn],
  ],
  labelled: [
    ...ASIDES,
    [9, describeTurn],
    [6, nameTurn],
    [18, readTurn],
    [8, letterTurn],
    [8, doesItSayTurn],
    [3, isTextTurn],
    [5, backgroundTurn],
    [4, colorTurn],
    [7, presenceTurn],
    [2, countTurn],
    [4, formTurn],
    [9, knowledgeTurn],
    [2, propertyTurn],
    [7, multiTurn],
  ],
  document: [
    ...ASIDES,
    [7, describeTurn],
    [4, nameTurn],
    [72, documentTurn],
    [1, isTextTurn],
    [1, presenceTurn],
    [8, multiTurn],
  ],
  unknown: [
    ...ASIDES,
    [10, describeTurn],
    [30, nameTurn],
    [12, backgroundTurn],
    [5, isColorTurn],
    [5, countAllTurn],
    [6, positionTurn],
    [5, formTurn],
    [4, unsureTurn],
  ],
  empty: [
    ...ASIDES,
    [10, describeTurn],
    [14, nameTurn],
    [20, backgroundTurn],
    [8, presenceTurn],
    [8, isColorTurn],
    [6, countAllTurn],
    [3, formTurn],
  ],
};

/** How many questions a picture gets: mostly a few, so that its tokens are used well; a few conversations are long. */
function lengthOf(random: Random): number {
  if (random.chance(0.03)) return 8 + random.integer(13);
  return 2 + random.integer(4);
}

function draw(scene: Scene, telling: Telling, earlier: readonly AskedTurn[]): AskedTurn[] {
  for (let tries = 0; tries < 40; tries++) {
    const turns = pickWeighted(WEIGHTS[sceneKind(scene)], telling.random)(scene, telling, earlier);
    if (turns.length > 0) return turns;
  }
  return describeTurn(scene, telling);
}

/** The longest conversation, in turns. */
const LONGEST = 20;

/** A conversation about one picture. */
export function pictureConversation(scene: Scene, telling: Telling): AskedTurn[] {
  const { random } = telling;
  const length = lengthOf(random);
  const turns: AskedTurn[] = [];
  const asked = new Set<string>();
  for (let tries = 0; turns.length < length && tries < 3 * length; tries++) {
    const next = draw(scene, telling, turns);
    // The same again is asked seldom.
    if (next.every(({ answer }) => asked.has(answer)) && random.chance(0.8)) continue;
    for (const { answer } of next) asked.add(answer);
    turns.push(...next);
  }
  return turns.slice(0, LONGEST);
}

const CHECKS: Weights = [
  [6, presenceTurn],
  [3, isThisTurn],
  [3, isColorTurn],
  [2, kindPresenceTurn],
  [2, isCountTurn],
  [2, isRelationTurn],
  [3, doesItSayTurn],
];

/** Questions to be answered by yes or no about one picture; none where it gives no occasion. */
export function checksConversation(scene: Scene, telling: Telling): AskedTurn[] {
  const turns = Array.from({ length: 4 }, () => pickWeighted(CHECKS, telling.random)(scene, telling, []));
  return turns.flat();
}

const COUNTS: Weights = [
  [8, countTurn],
  [4, countAllTurn],
  [3, isCountTurn],
  [2, countKindTurn],
  [2, legsTurn],
  [2, moreTurn],
];

/** Questions about how many there are; none where the picture gives no occasion. */
export function countsConversation(scene: Scene, telling: Telling): AskedTurn[] {
  const turns = Array.from({ length: 4 }, () => pickWeighted(COUNTS, telling.random)(scene, telling, []));
  return turns.flat();
}

/** A conversation about two pictures, whose marks both stand in front of it. */
export function twoPictureConversation(scenes: readonly [Scene, Scene], telling: Telling): AskedTurn[] {
  return twoPictureTurns(scenes, 2 + telling.random.integer(4), telling);
}

/** Questions that compare two pictures; none where they give no occasion. */
export function twoPictureChecksConversation(scenes: readonly [Scene, Scene], telling: Telling): AskedTurn[] {
  return twoPictureChecks(scenes, 4, telling);
}
