import { factsOf } from "../concepts/facts.ts";
import type { DrawnScene } from "../pictures/drawn-scene.ts";
import type { Hand } from "../pictures/supplies.ts";
import { isForValidation, isHeldOutFact, isHeldOutLayout } from "../scenes/held-out.ts";
import { DOCUMENT_LAYOUTS } from "../scenes/scene.ts";
import {
  calendarTurn,
  compareTurn,
  neighbourTurn,
  sortNumbersTurn,
  sumTurn,
} from "../texts/abilities/arithmetic.ts";
import { countAllTurn, countTurn } from "../texts/abilities/counting.ts";
import { documentTurn } from "../texts/abilities/documents.ts";
import { formTurn } from "../texts/abilities/forms.ts";
import { byName, factTurn, knowledgeTurn, textFactTurn, thisOne } from "../texts/abilities/knowledge.ts";
import { backgroundTurn, colorTurn, positionTurn } from "../texts/abilities/looking.ts";
import { multiTurn } from "../texts/abilities/multi-turn.ts";
import { describeTurn, nameTurn } from "../texts/abilities/naming.ts";
import { isThisTurn, presenceTurn } from "../texts/abilities/presence.ts";
import { propertyTurn, whichOfTwoTurn } from "../texts/abilities/properties.ts";
import { legsTurn, moreTurn, oddTurn, sameKindTurn } from "../texts/abilities/reasoning.ts";
import { sideTurn, whatIsTurn, whereTurn } from "../texts/abilities/relations.ts";
import { letterTurn, readTurn } from "../texts/abilities/signs.ts";
import { memoryTurns, smallTalkTurn } from "../texts/abilities/small-talk.ts";
import { twoPictureTurns } from "../texts/abilities/two-pictures.ts";
import { noPictureTurn, unsureTextTurn, unsureTurn } from "../texts/abilities/unsure.ts";
import { listTurn, wordTurn } from "../texts/abilities/words.ts";
import { wideKind } from "../texts/kinds.ts";
import { pictureConversation } from "../texts/picture-conversation.ts";
import type { AskedTurn, Telling } from "../texts/turns.ts";
import {
  flag,
  heldOutCount,
  heldOutPair,
  labelled,
  oddOneOut,
  oneOnHeldOutColor,
  oneThing,
  type QuestionStudio,
  seenScene,
  severalKinds,
  sign,
  smallDocument,
  stranger,
  twoPictures,
} from "./question-scenes.ts";

/** What a question is made with. */
export interface Making {
  readonly studio: QuestionStudio;
  readonly telling: Telling;
  /** The number of the row in its block, or a later one where that gave no question. */
  readonly index: number;
}

/** Pictures and what is asked about them; no turns where there is no occasion. */
export interface Made {
  readonly scenes: readonly DrawnScene[];
  readonly turns: readonly AskedTurn[];
}

/** Rows of one ability on one set. */
export interface Block {
  readonly ability: string;
  readonly set: string;
  readonly hand: Hand;
  readonly count: number;
  make(making: Making): Made | undefined;
}

type SceneMaker = (studio: QuestionStudio, index: number) => DrawnScene | undefined;
type Asking = (
  scene: ReturnType<typeof seenScene>,
  telling: Telling,
  earlier: readonly AskedTurn[],
) => AskedTurn[];

/** One of these questions about a scene. */
function about(scene: SceneMaker, ...askings: readonly Asking[]): Block["make"] {
  return ({ studio, telling, index }) => {
    const drawn = scene(studio, index);
    if (drawn === undefined) return undefined;
    const turns = telling.random.pick(askings)(seenScene(drawn), telling, []);
    return { scenes: [drawn], turns };
  };
}

/** Questions in words alone. */
function inWords(...askings: readonly ((telling: Telling) => readonly AskedTurn[])[]): Block["make"] {
  return ({ telling }) => ({ scenes: [], turns: telling.random.pick(askings)(telling) });
}

const isWithheld = (name: string, relation: string, isValidation: boolean): boolean =>
  isHeldOutFact(name, relation) && isForValidation(`fact ${name} ${relation}`) === isValidation;

/** A thing and a fact of it that training told in words alone. */
const heldOutFactOfThing: Block["make"] = ({ studio, telling, index }) => {
  const drawn = oneThing(studio, index);
  const [{ subject }] = drawn.things;
  if (subject.kind !== "concept") return undefined;
  const { concept } = subject;
  const facts = factsOf(concept).filter(({ relation }) =>
    isWithheld(concept.name, relation.name, studio.isValidation),
  );
  if (facts.length === 0) return undefined;
  const fact = telling.random.pick(facts);
  const thing = thisOne(concept, fact, telling);
  const [bridge] = nameTurn(seenScene(drawn), telling);
  const turn = factTurn(concept, fact, thing, { telling, bridge: `${bridge.answer} ` });
  return { scenes: [drawn], turns: [turn] };
};

/** The same of a country and its flag; asked in the test alone, since texts tell such facts of flags to no other part. */
const heldOutFactOfFlag: Block["make"] = ({ studio, telling, index }) => {
  const drawn = flag(studio, index);
  const turns = knowledgeTurn(seenScene(drawn), telling, []).filter(
    ({ fact }) =>
      studio.isValidation ||
      (fact !== undefined && isWithheld(fact.name, fact.relation, studio.isValidation)),
  );
  return { scenes: [drawn], turns };
};

/** Facts of the same kind in words. */
const heldOutFactInWords: Block["make"] = ({ studio, telling }) => {
  const concept = telling.random.pick(telling.world.concepts);
  const facts = factsOf(concept).filter(({ relation }) =>
    isWithheld(concept.name, relation.name, studio.isValidation),
  );
  if (facts.length === 0) return undefined;
  return {
    scenes: [],
    turns: [textFactTurn(concept, telling.random.pick(facts), byName(concept, telling), telling)],
  };
};

function twoPictureBlock(kind: "two pictures binary" | "two pictures naming"): Block["make"] {
  return ({ studio, telling, index }) => {
    const scenes = twoPictures(studio, index);
    const [turn] = twoPictureTurns([seenScene(scenes[0]), seenScene(scenes[1])], 1, telling);
    return { scenes, turns: turn?.ability === kind ? [turn] : [] };
  };
}

/** Two or more turns that lean on each other. */
const dialogue: SceneMaker = (studio, index) => {
  const kinds: readonly SceneMaker[] = [
    oneThing,
    oneThing,
    oneThing,
    heldOutPair,
    heldOutPair,
    heldOutCount,
    sign,
  ];
  return studio.random.pick(kinds)(studio, index);
};

const LONG = 16;

/** Many questions about one picture: does what was said long ago still fit, and does it lead astray? */
const longConversation: Block["make"] = ({ studio, telling, index }) => {
  const drawn = dialogue(studio, index);
  if (drawn === undefined) return undefined;
  const turns = pictureConversation(seenScene(drawn), telling);
  return turns.length < LONG ? undefined : { scenes: [drawn], turns };
};

const thoughtful: SceneMaker = (studio, index) => {
  const kinds: readonly SceneMaker[] = [
    heldOutPair,
    heldOutPair,
    heldOutCount,
    () => severalKinds(studio, 2),
    () => oddOneOut(studio, wideKind),
    oneThing,
  ];
  return studio.random.pick(kinds)(studio, index);
};

const NEW_LAYOUTS = DOCUMENT_LAYOUTS.filter(isHeldOutLayout);
const KNOWN_LAYOUTS = DOCUMENT_LAYOUTS.filter((layout) => !isHeldOutLayout(layout));
const knownDocument: SceneMaker = (studio) => smallDocument(studio, KNOWN_LAYOUTS);
/** Of a layout that no training picture has; choices are made without those too. */
const newDocument: SceneMaker = (studio) =>
  smallDocument(studio, studio.isValidation ? KNOWN_LAYOUTS : NEW_LAYOUTS);

const memory: Block["make"] = ({ telling }) => ({
  scenes: [],
  turns: memoryTurns(telling, telling.random.chance(0.5) ? calendarTurn(telling) : []),
});

const anyOf =
  (...askings: readonly Asking[]): Asking =>
  (scene, telling, earlier) => {
    for (const asking of telling.random.shuffle(askings)) {
      const turns = asking(scene, telling, earlier);
      if (turns.length > 0) return turns;
    }
    return [];
  };
const reasoning = anyOf(legsTurn, moreTurn, oddTurn, sameKindTurn, whichOfTwoTurn, propertyTurn);
const relation = anyOf(whatIsTurn, sideTurn, whereTurn);
const counting = anyOf(countTurn, countTurn, countTurn, countAllTurn);
const color = anyOf(backgroundTurn, backgroundTurn, colorTurn);
const presence = anyOf(presenceTurn, isThisTurn);

/** One or two things. */
const oneOrTwo: SceneMaker = (studio, index) =>
  studio.random.chance(0.5) ? oneThing(studio, index) : heldOutPair(studio, index);

const unsureOfPicture = about(oneThing, unsureTurn);
const unsureInWords = inWords(unsureTextTurn);
const unsure: Block["make"] = (making) =>
  (making.telling.random.chance(0.6) ? unsureOfPicture : unsureInWords)(making);

/** Small tasks with one right answer. */
const skill = inWords(
  sumTurn,
  sumTurn,
  compareTurn,
  neighbourTurn,
  calendarTurn,
  sortNumbersTurn,
  listTurn,
  listTurn,
  wordTurn,
  wordTurn,
);

/** All rows of owleval-nano. */
export const QUESTION_PLAN: readonly Block[] = [
  { ability: "name", set: "S1", hand: "S1", count: 100, make: about(oneThing, nameTurn) },
  { ability: "name", set: "S2", hand: "S2", count: 70, make: about(oneThing, nameTurn) },
  { ability: "flag", set: "S9", hand: "S1", count: 40, make: about(flag, nameTurn) },
  { ability: "flag", set: "S9 S2", hand: "S2", count: 20, make: about(flag, nameTurn) },
  { ability: "caption one", set: "S1", hand: "S1", count: 110, make: about(oneThing, describeTurn) },
  { ability: "caption one", set: "S2", hand: "S2", count: 70, make: about(oneThing, describeTurn) },
  { ability: "caption pair", set: "S1 S4", hand: "S1", count: 110, make: about(heldOutPair, describeTurn) },
  { ability: "counting", set: "S1 S4", hand: "S1", count: 90, make: about(heldOutCount, counting) },
  { ability: "presence", set: "S1 S4", hand: "S1", count: 80, make: about(oneOrTwo, presence) },
  { ability: "color", set: "S1 S4", hand: "S1", count: 80, make: about(oneOnHeldOutColor, color) },
  { ability: "relation", set: "S1 S4", hand: "S1", count: 60, make: about(heldOutPair, relation) },
  { ability: "position", set: "S1", hand: "S1", count: 30, make: about(oneThing, positionTurn) },
  { ability: "form", set: "S8", hand: "known", count: 100, make: about(oneOrTwo, formTurn) },
  { ability: "knowledge", set: "S6", hand: "known", count: 90, make: heldOutFactOfThing },
  { ability: "knowledge", set: "S6 S1", hand: "S1", count: 50, make: heldOutFactOfThing },
  { ability: "knowledge of flags", set: "S6", hand: "known", count: 36, make: heldOutFactOfFlag },
  { ability: "text fact", set: "S6", hand: "known", count: 70, make: heldOutFactInWords },
  { ability: "reasoning", set: "S4", hand: "known", count: 90, make: about(thoughtful, reasoning) },
  { ability: "multi-turn", set: "S1 S4", hand: "S1", count: 60, make: about(dialogue, multiTurn) },
  { ability: "long conversation", set: "S8", hand: "known", count: 6, make: longConversation },
  { ability: "memory", set: "S8", hand: "known", count: 24, make: memory },
  {
    ability: "two pictures binary",
    set: "S1",
    hand: "S1",
    count: 70,
    make: twoPictureBlock("two pictures binary"),
  },
  {
    ability: "two pictures naming",
    set: "S1",
    hand: "S1",
    count: 50,
    make: twoPictureBlock("two pictures naming"),
  },
  { ability: "scene text", set: "S5", hand: "S1", count: 80, make: about(sign, readTurn) },
  { ability: "letters of a word", set: "S5", hand: "S1", count: 30, make: about(sign, letterTurn) },
  { ability: "word beside a thing", set: "S5 S1", hand: "S1", count: 24, make: about(labelled, readTurn) },
  {
    ability: "document",
    set: "S5",
    hand: "S1",
    count: 60,
    make: about(knownDocument, documentTurn),
  },
  {
    ability: "document",
    set: "S5 S7",
    hand: "S1",
    count: 60,
    make: about(newDocument, documentTurn),
  },
  { ability: "unsure", set: "strangers", hand: "S1", count: 30, make: about(stranger, nameTurn) },
  { ability: "unsure", set: "S8", hand: "known", count: 30, make: unsure },
  { ability: "no picture", set: "S8", hand: "known", count: 30, make: inWords(noPictureTurn) },
  {
    ability: "small talk",
    set: "S8",
    hand: "known",
    count: 30,
    make: inWords((telling) => [smallTalkTurn(telling)]),
  },
  { ability: "skill", set: "S8", hand: "known", count: 50, make: skill },
];
