import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import { ask, askPlural, factsOf, type Relation } from "../concepts/facts.ts";
import { existing, general, generalIsPlural, indefinite, pointing } from "../concepts/nouns.ts";
import type { Random } from "../random.ts";
import { caption, listing, type Scene } from "./captions.ts";
import type { Turn } from "./conversation.ts";

/** Questions about a picture; the last of each list is for testing only. */
export const PICTURE_QUESTIONS = {
  name: [
    "what is this?",
    "what is in the picture?",
    "what do you see?",
    "what can you see?",
    "what does the picture show?",
    "name the thing.",
    "what thing is this?",
    "what is shown here?",
    "what is it?",
    "what is in the image?",
    "what object is this?",
    "which thing is this?",
    "what do we have here?",
    "do you know what this is?",
    "can you name this?",
    "tell me what this is.",
    "tell me what you see.",
    "which thing do you see in the picture?",
    "what is the thing in the picture?",
    "which thing is in the image?",
  ],
  color: [
    "what color is the background?",
    "what is the color of the background?",
    "which color is the background?",
    "and the background?",
    "what color is behind it?",
    "tell me the background color.",
    "name the color of the background.",
    "what color does the background have?",
  ],
  describe: [
    "describe the picture.",
    "describe the image.",
    "describe this picture.",
    "caption this.",
    "write a caption.",
    "tell me about the picture.",
    "please describe what you see.",
    "give a description of the image.",
  ],
} as const;

/** Questions that training may ask. */
export function trained<T>(phrasings: readonly T[]): readonly T[] {
  return phrasings.slice(0, -1);
}

export function nameTurn(scene: Scene, random: Random): Turn {
  const answer = scene.things.length === 1 ? pointing(scene.things[0]) : `this is ${listing(scene.things)}.`;
  return { question: random.pick(trained(PICTURE_QUESTIONS.name)), answer };
}

export function colorTurn({ color }: Scene, random: Random): Turn {
  return {
    question: random.pick(trained(PICTURE_QUESTIONS.color)),
    answer: `the background is ${COLORS[color].name}.`,
  };
}

export function describeTurn(scene: Scene, random: Random): Turn {
  return { question: random.pick(trained(PICTURE_QUESTIONS.describe)), answer: caption(scene) };
}

/** Is there …? In half of the cases there is. */
function presenceTurn({ things }: Scene, concepts: readonly Concept[], random: Random): Turn {
  const there = random.chance(0.5);
  const asked = there ? random.pick(things) : random.pick(concepts);
  const question = random.pick([
    `is there ${indefinite(asked)}?`,
    `do you see ${indefinite(asked)}?`,
    `is this ${indefinite(asked)}?`,
  ]);
  if (things.includes(asked)) return { question, answer: `yes, ${existing(asked)}.` };
  return { question, answer: `no, this is ${listing(things)}.` };
}

/** How a question may speak of a thing that was named before. */
const PRONOUNS = ["it", "it", "it", "this", "this one"] as const;

/** A question about a fact, of "it", of "they" or by name. */
export function factTurn(
  concept: Concept,
  fact: { relation: Relation; value: string },
  thing: string,
  random: Random,
): Turn {
  const { relation, value } = fact;
  const question = random.pick(trained(relation.questions));
  return { question: about(concept, thing, question), answer: relation.answer(concept, value) };
}

function about(concept: Concept, thing: string, question: string): string {
  if (thing === "they") return askPlural(question, "they", "them");
  return thing === general(concept) && generalIsPlural(concept)
    ? askPlural(question, thing)
    : ask(question, thing);
}

/** One to three follow-ups about the named thing, each about another fact. */
export function followUps(concept: Concept, count: number, random: Random): Turn[] {
  const facts = random.shuffle(factsOf(concept)).slice(0, count);
  return facts.map((fact) => factTurn(concept, fact, random.pick(PRONOUNS), random));
}

/** A fact asked before the thing was named: the answer names it first. */
function bridgeTurn(concept: Concept, random: Random): Turn {
  const fact = random.pick(factsOf(concept));
  const turn = factTurn(concept, fact, random.pick(["it", "this", "this thing"]), random);
  return { ...turn, answer: `${pointing(concept)} ${turn.answer}` };
}

/** A conversation about one picture. */
export function pictureDialogue(scene: Scene, concepts: readonly Concept[], random: Random): Turn[] {
  const [thing] = scene.things;
  const dice = random.next();
  if (scene.things.length > 1 || thing === undefined) {
    if (dice < 0.4) return [nameTurn(scene, random)];
    if (dice < 0.6) return [describeTurn(scene, random)];
    if (dice < 0.8) return [colorTurn(scene, random)];
    return [presenceTurn(scene, concepts, random)];
  }
  if (dice < 0.45) return [nameTurn(scene, random), ...followUps(thing, 1 + random.integer(2), random)];
  if (dice < 0.57) return random.shuffle([nameTurn(scene, random), colorTurn(scene, random)]);
  if (dice < 0.67) return [colorTurn(scene, random)];
  if (dice < 0.77) return [describeTurn(scene, random), ...followUps(thing, random.integer(2), random)];
  if (dice < 0.87) return [bridgeTurn(thing, random), ...followUps(thing, random.integer(2), random)];
  if (dice < 0.93)
    return [presenceTurn(scene, concepts, random), ...followUps(thing, random.integer(2), random)];
  return [nameTurn(scene, random), colorTurn(scene, random), ...followUps(thing, 1, random)];
}

/** A conversation about a thing that is named in words alone. */
export function textDialogue(concept: Concept, random: Random): Turn[] {
  const named = random.pick([indefinite(concept), general(concept)]);
  const facts = random.shuffle(factsOf(concept));
  const opening = random.next();
  if (opening < 0.3) {
    const question = random.pick([
      `this is ${indefinite(concept)}.`,
      `i have ${indefinite(concept)}.`,
      `i see ${indefinite(concept)}.`,
      `what about ${general(concept)}?`,
    ]);
    return [{ question, answer: pointing(concept) }, ...followUps(concept, 1 + random.integer(2), random)];
  }
  const first = factTurn(concept, facts[0], named, random);
  const pronoun = named === general(concept) && generalIsPlural(concept) ? "they" : "it";
  return [
    first,
    ...facts.slice(1, 1 + random.integer(3)).map((fact) => factTurn(concept, fact, pronoun, random)),
  ];
}
