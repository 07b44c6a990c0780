import type { Random } from "../random.ts";
import type { Scene } from "../scenes/scene.ts";
import { countAllTurn, countTurn, isCountTurn } from "./abilities/counting.ts";
import { documentTurn } from "./abilities/documents.ts";
import { formTurn } from "./abilities/forms.ts";
import { knowledgeTurn } from "./abilities/knowledge.ts";
import { backgroundTurn, colorTurn, isColorTurn, positionTurn } from "./abilities/looking.ts";
import { multiTurn } from "./abilities/multi-turn.ts";
import { describeTurn, nameTurn } from "./abilities/naming.ts";
import { isThisTurn, presenceTurn } from "./abilities/presence.ts";
import { propertyTurn, whichOfTwoTurn } from "./abilities/properties.ts";
import { legsTurn, moreTurn, oddTurn, sameKindTurn } from "./abilities/reasoning.ts";
import { isRelationTurn, sideTurn, whatIsTurn, whereTurn } from "./abilities/relations.ts";
import { doesItSayTurn, isTextTurn, letterTurn, readTurn, signColorTurn } from "./abilities/signs.ts";
import { areYouSureTurn, aside, memoryTurns, sayAgainTurn } from "./abilities/small-talk.ts";
import { twoPictureTurns } from "./abilities/two-pictures.ts";
import { unsureTurn } from "./abilities/unsure.ts";
import type { AskedTurn, Part, Telling, World } from "./turns.ts";
import { pickWeighted } from "./weights.ts";

/** Turns about a scene, none where it gives no occasion. */
type PictureAbility = (scene: Scene, telling: Telling, earlier: readonly AskedTurn[]) => AskedTurn[];

/** What is asked of a picture, with sampling weights; what a scene gives no occasion for is drawn anew. */
const WEIGHTS: readonly (readonly [number, PictureAbility])[] = [
  [8, describeTurn],
  [14, nameTurn],
  [6, backgroundTurn],
  [5, colorTurn],
  [3, isColorTurn],
  [6, presenceTurn],
  [5, isThisTurn],
  [8, countTurn],
  [3, countAllTurn],
  [3, isCountTurn],
  [4, positionTurn],
  [6, whatIsTurn],
  [6, sideTurn],
  [5, whereTurn],
  [4, isRelationTurn],
  [10, formTurn],
  [13, knowledgeTurn],
  [3, propertyTurn],
  [5, whichOfTwoTurn],
  [4, legsTurn],
  [5, moreTurn],
  [5, oddTurn],
  [3, sameKindTurn],
  [8, multiTurn],
  [22, readTurn],
  [9, letterTurn],
  [7, doesItSayTurn],
  [3, signColorTurn],
  [1.5, isTextTurn],
  [45, documentTurn],
  [4, unsureTurn],
  [1.5, (_, telling) => [aside(telling)]],
  [2, (_, telling, earlier) => areYouSureTurn(earlier, telling)],
  [0.7, (_, telling, earlier) => sayAgainTurn(earlier, telling)],
  [0.7, (scene, telling) => memoryTurns(telling, nameTurn(scene, telling))],
];

/** How many questions a picture gets: mostly a few, so that its tokens are used well; a few conversations are long. */
function lengthOf(random: Random): number {
  if (random.chance(0.03)) return 8 + random.integer(13);
  return 2 + random.integer(4);
}

function draw(scene: Scene, telling: Telling, earlier: readonly AskedTurn[]): AskedTurn[] {
  for (let tries = 0; tries < 40; tries++) {
    const turns = pickWeighted(WEIGHTS, telling.random)(scene, telling, earlier);
    if (turns.length > 0) return turns;
  }
  return describeTurn(scene, telling);
}

/** The longest conversation, in turns. */
const LONGEST = 20;

/** A conversation about one picture. */
export function pictureConversation(scene: Scene, world: World, random: Random, part: Part): AskedTurn[] {
  const telling: Telling = { world, random, part };
  const length = lengthOf(random);
  const turns: AskedTurn[] = [];
  const asked = new Set<string>();
  for (let tries = 0; turns.length < length && tries < 3 * length; tries++) {
    const next = draw(scene, telling, turns);
    // Nobody asks the very same again at once.
    if (next.some(({ question, answer }) => asked.has(`${question} ${answer}`))) continue;
    for (const { question, answer } of next) asked.add(`${question} ${answer}`);
    turns.push(...next);
  }
  return turns.slice(0, LONGEST);
}

/** A conversation about two pictures, whose marks both stand in front of it. */
export function twoPictureConversation(
  scenes: readonly [Scene, Scene],
  world: World,
  random: Random,
  part: Part,
): AskedTurn[] {
  return twoPictureTurns(scenes[0], scenes[1], 2 + random.integer(4), { world, random, part });
}
