import type { Concept } from "../../concepts/concepts.ts";
import { countryFactsOf } from "../../concepts/country-facts.ts";
import { factsOf, type Relation } from "../../concepts/facts.ts";
import { article, indefinite, isPluralOnly } from "../../concepts/nouns.ts";
import type { Scene } from "../../scenes/scene.ts";
import { wideKind } from "../kinds.ts";
import { agreeing, theOne } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf } from "../turns.ts";
import { ask, askOf } from "../wordings.ts";
import { singles } from "./looking.ts";

/** What is answered where there is no telling. */
export const UNSURE = "i am not sure.";
/** What is answered where there is no picture. */
export const NO_PICTURE = "i see no picture.";

/** What a picture does not tell: a name, a price, who drew it. */
export function unsureTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random } = telling;
  const things = singles(scene).filter(({ subject }) => subject.kind === "concept");
  if (things.length > 0 && random.chance(0.25)) {
    const concepts = things.flatMap(({ subject }) => (subject.kind === "concept" ? [subject.concept] : []));
    return lifelessTurn(concepts, telling);
  }
  if (things.length > 0 && random.chance(0.55)) {
    const { subject } = random.pick(things);
    const X = scene.things.length === 1 && random.chance(0.5) ? "it" : theOne(subject);
    const asked = ask("unsureThing", telling, { X }, X === "it" ? undefined : agreeing(subject));
    return [turnOf("unsure", asked, UNSURE, ["not sure"])];
  }
  return [
    turnOf("unsure", ask(random.chance(0.6) ? "unsurePicture" : "unsureFar", telling), UNSURE, ["not sure"]),
  ];
}

/** Relations of living things, and what is said of lifeless ones. */
const LIFELESS: Readonly<Record<string, (name: string) => string>> = {
  eats: (name) => `${name} does not eat.`,
  young: (name) => `${name} has no young.`,
  home: (name) => `${name} is not alive.`,
};

function isLifeless(concept: Concept): boolean {
  const kinds = ["vehicle", "tool", "instrument", "furniture", "device", "building"];
  return !isPluralOnly(concept) && kinds.includes(wideKind(concept) ?? "");
}

/** "what does the car eat?" */
function lifelessTurn(concepts: readonly Concept[], telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const lifeless = concepts.filter(isLifeless);
  if (lifeless.length === 0) return [];
  const concept = random.pick(lifeless);
  const name = random.pick(Object.keys(LIFELESS));
  const thing = random.pick([`the ${concept.name}`, indefinite(concept)]);
  const asked = askOf(name, relationNamed(name, world.concepts).questions, telling, (question) =>
    question.replace("X", thing),
  );
  const answer = LIFELESS[name](indefinite(concept));
  return [turnOf("unsure", asked, answer, [answer.split(" ").slice(-2).join(" ").replace(".", "")])];
}

function relationNamed(name: string, concepts: Telling["world"]["concepts"]): Relation {
  for (const concept of concepts) {
    const fact = factsOf(concept).find(({ relation }) => relation.name === name);
    if (fact !== undefined) return fact.relation;
  }
  throw new Error(`unsure: some concept must have the relation "${name}", got none`);
}

const SYLLABLES = "bla gro zim tak plo ner fu dri mok lu spa wen gi tor".split(" ");

/** A word that there is not. */
export function madeUpWord({ random }: Telling): string {
  return Array.from({ length: 2 + random.integer(2) }, () => random.pick(SYLLABLES)).join("");
}

/** Animals and countries that owl-nano was told nothing of. */
const STRANGE_ANIMALS =
  "zebra giraffe hippo kangaroo hedgehog swan parrot seal worm moth lobster donkey".split(" ");
const STRANGE_COUNTRIES =
  "fiji bolivia ecuador laos mali chad oman qatar cyprus malta ireland romania bulgaria serbia israel iraq sudan libya zambia angola haiti".split(
    " ",
  );

/** A fact of something that it was told nothing of. */
function strangeFactTurn(telling: Telling): AskedTurn {
  const { random, world } = telling;
  const invented = random.chance(0.4) ? madeUpWord(telling) : undefined;
  if (random.chance(0.5)) {
    const name = invented ?? random.pick(STRANGE_COUNTRIES);
    const { relation } = random.pick(countryFactsOf(world.countries[0]));
    const asked = askOf(relation.name, relation.questions, telling, (question) =>
      question.replace("X", name),
    );
    return turnOf("unsure", asked, UNSURE, ["not sure"]);
  }
  const thing = article(invented ?? random.pick(STRANGE_ANIMALS));
  const relation = relationNamed(random.pick(["eats", "home", "young", "kind"]), world.concepts);
  const asked = askOf(relation.name, relation.questions, telling, (question) => question.replace("X", thing));
  return turnOf("unsure", asked, UNSURE, ["not sure"]);
}

/** What no small owl can know, in words alone. */
export function unsureTextTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const dice = random.next();
  if (dice < 0.4) return [turnOf("unsure", ask("unsureFar", telling), UNSURE, ["not sure"])];
  if (dice < 0.52)
    return [turnOf("unsure", ask("unsureWord", telling, { W: madeUpWord(telling) }), UNSURE, ["not sure"])];
  if (dice < 0.68) return [strangeFactTurn(telling)];
  if (dice < 0.78) return lifelessTurn(world.concepts, telling);
  if (dice < 0.86) {
    const { name } = random.pick(world.concepts.filter((concept) => !isPluralOnly(concept)));
    const asked = ask("unsureThing", telling, { X: random.pick([`the ${name}`, `my ${name}`]) });
    return [turnOf("unsure", asked, UNSURE, ["not sure"])];
  }
  const large = (): string => `${31 + random.integer(969)}`;
  const kind = random.pick(["times", "timesSigns", "divide", "plus", "minus"] as const);
  return [turnOf("unsure", ask(kind, telling, { A: large(), B: large() }), UNSURE, ["not sure"])];
}

/** A question about a picture where there is none. */
export function noPictureTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const concept = random.pick(world.concepts);
  const kinds = [
    ["nameOne", "see", "nameMany", "describe", "background"],
    ["nameOne", "see", "describe", "itsColor", "whereIt"],
    ["flag", "countAll", "read", "isText", "spellIt", "signColor"],
    ["unsurePicture", "formList", "formJson", "oddOne", "legsTotal", "pairSame", "inBoth"],
    ["documentKind", "total", "firstItem", "mostPoints", "cardName"],
  ] as const;
  const dice = random.next();
  if (dice < 0.12) {
    const asked = ask("isThere", telling, { X: indefinite(concept) }, agreeing({ kind: "concept", concept }));
    return [turnOf("no picture", asked, NO_PICTURE, ["no picture"])];
  }
  if (dice < 0.2) {
    const asked = ask("whatIsAt", telling, { S: random.pick(["on the left", "on the right", "at the top"]) });
    return [turnOf("no picture", asked, NO_PICTURE, ["no picture"])];
  }
  if (dice < 0.28) {
    const wide = wideKind(concept) ?? "thing";
    const { relation } = random.pick(factsOf(concept));
    const asked = askOf(relation.name, relation.questions, telling, (question) =>
      question.replace("X", `this ${wide}`),
    );
    return [turnOf("no picture", asked, NO_PICTURE, ["no picture"])];
  }
  return [turnOf("no picture", ask(random.pick(random.pick(kinds)), telling), NO_PICTURE, ["no picture"])];
}
