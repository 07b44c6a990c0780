import type { Concept } from "../../concepts/concepts.ts";
import { indefinite, isPluralOnly } from "../../concepts/nouns.ts";
import { isHeldOutFact } from "../../scenes/held-out.ts";
import type { Scene } from "../../scenes/scene.ts";
import { wideKind } from "../kinds.ts";
import { groupsOf, pointingAt } from "../scene-words.ts";
import { type Asked, type AskedTurn, type Part, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";

/** Something that a thing is, does or can, or not. */
interface Property {
  /** "can fly" */
  readonly yes: string;
  /** "can not fly" */
  readonly no: string;
  /** "can X fly" */
  readonly question: string;
  /** The relation that tells it, where it is one. */
  readonly relation?: string;
  /** Undefined where it is a matter of taste. */
  holds(concept: Concept): boolean | undefined;
}

const FLIES = new Set("owl eagle duck bat butterfly bee ladybug airplane helicopter rocket".split(" "));
const UNCLEAR = new Set(
  "chicken rooster turkey ghost balloon ant robot cloud star sun moon squirrel fire leaf".split(" "),
);

function isA(kind: string, words: string, relation?: string): Property {
  return {
    ...(relation === undefined ? {} : { relation }),
    yes: `is ${words}`,
    no: `is not ${words}`,
    question: `is X ${words}`,
    holds: (concept) => wideKind(concept) === kind,
  };
}

const PROPERTIES: readonly Property[] = [
  {
    yes: "can fly",
    no: "can not fly",
    question: "can X fly",
    holds: ({ name }) => (UNCLEAR.has(name) ? undefined : FLIES.has(name)),
  },
  isA("animal", "an animal"),
  isA("vehicle", "a vehicle", "kind"),
  isA("instrument", "an instrument", "kind"),
  {
    yes: "is a fruit",
    no: "is not a fruit",
    question: "is X a fruit",
    relation: "kind",
    holds: ({ kind }) => (kind === "vegetable" ? undefined : kind === "fruit"),
  },
  {
    yes: "is a bird",
    no: "is not a bird",
    question: "is X a bird",
    relation: "kind",
    holds: ({ kind }) => kind === "bird",
  },
  {
    yes: "lives in the sea",
    no: "does not live in the sea",
    question: "does X live in the sea",
    relation: "home",
    holds: ({ facts }) => (facts.home === "beach" ? undefined : facts.home === "sea"),
  },
  {
    yes: "lives on a farm",
    no: "does not live on a farm",
    question: "does X live on a farm",
    relation: "home",
    holds: ({ facts }) => (facts.home === undefined ? undefined : facts.home === "farm"),
  },
  {
    yes: "eats meat",
    no: "does not eat meat",
    question: "does X eat meat",
    relation: "eats",
    holds: ({ facts }) => {
      if (facts.eats === undefined) return false;
      if (facts.eats === "meat") return true;
      return ["grass", "leaves", "bamboo", "nectar", "seeds", "corn"].includes(facts.eats)
        ? false
        : undefined;
    },
  },
  {
    yes: "has four legs",
    no: "does not have four legs",
    question: "does X have four legs",
    relation: "legs",
    holds: ({ facts }) => (facts.legs === undefined ? undefined : facts.legs === "four"),
  },
  {
    yes: "grows on a tree",
    no: "does not grow on a tree",
    question: "does X grow on a tree",
    relation: "grows",
    holds: ({ facts, name }) => (name === "leaf" ? undefined : facts.grows === "tree"),
  },
];

function isAllowed(concept: Concept, { relation }: Property, part: Part | "text"): boolean {
  if (isPluralOnly(concept)) return false;
  return (
    part === "text" || part === "test" || relation === undefined || !isHeldOutFact(concept.name, relation)
  );
}

/** "a dog can not fly" */
function told(concept: Concept, property: Property, holds: boolean): string {
  return `${indefinite(concept)} ${holds ? property.yes : property.no}`;
}

/** A property on which two concepts differ, and which of them has it. */
function difference(
  pair: readonly [Concept, Concept],
  telling: Telling,
  part: Part | "text",
): { property: Property; has: Concept; lacks: Concept } | undefined {
  for (const property of telling.random.shuffle(PROPERTIES)) {
    const [a, b] = pair.map((concept) =>
      isAllowed(concept, property, part) ? property.holds(concept) : undefined,
    );
    if (a === undefined || b === undefined || a === b) continue;
    return { property, has: a ? pair[0] : pair[1], lacks: a ? pair[1] : pair[0] };
  }
  return undefined;
}

function differenceTurn(
  found: { property: Property; has: Concept; lacks: Concept },
  asked: Asked,
): AskedTurn {
  const { property, has, lacks } = found;
  const answer = `${told(has, property, true)}. ${told(lacks, property, false)}. it is the ${has.name}.`;
  return turnOf("reasoning", asked, answer, [has.name]);
}

/** "which of the two can fly?" */
export function whichOfTwoTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = groupsOf(scene);
  if (groups.length !== 2 || scene.lines.length > 0) return [];
  const [a, b] = groups.map(({ subject }) => subject);
  if (a.kind !== "concept" || b.kind !== "concept" || scene.things.length !== 2) return [];
  const found = difference([a.concept, b.concept], telling, telling.part);
  if (found === undefined) return [];
  return [differenceTurn(found, ask("whichOfTwo", telling, { P: found.property.yes }))];
}

/** "which can fly, a dog or an owl?", in words alone. */
export function whichOrTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const [a, b] = random.shuffle(world.concepts);
  const found = difference([a, b], telling, "text");
  if (found === undefined) return [];
  const fills = { P: found.property.yes, X: indefinite(a), Y: indefinite(b) };
  return [differenceTurn(found, ask("whichOr", telling, fills))];
}

/** "can it fly?", of a thing alone: yes in half of the cases, where it can be. */
export function propertyTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = groupsOf(scene);
  if (groups.length !== 1 || groups[0].things.length > 1) return [];
  const { subject } = groups[0];
  if (subject.kind !== "concept") return [];
  const { concept } = subject;
  const found = chooseProperty(concept, telling, telling.part);
  if (found === undefined) return [];
  const asked = ask("property", telling, {
    Z: found.property.question.replace("X", telling.random.pick(["it", "this"])),
  });
  const verdict = withVerdict(found.holds, told(concept, found.property, found.holds));
  const answer = `${pointingAt(groups[0])} ${verdict}`;
  return [turnOf("reasoning", asked, answer, [found.holds ? "yes" : "no"])];
}

/** "can a dog fly?", in words alone. */
export function propertyTextTurn(telling: Telling): AskedTurn[] {
  const concept = telling.random.pick(telling.world.concepts);
  const found = chooseProperty(concept, telling, "text");
  if (found === undefined) return [];
  const asked = ask("property", telling, { Z: found.property.question.replace("X", indefinite(concept)) });
  const answer = withVerdict(found.holds, told(concept, found.property, found.holds));
  return [turnOf("reasoning", asked, answer, [found.holds ? "yes" : "no"])];
}

function chooseProperty(
  concept: Concept,
  { random }: Telling,
  part: Part | "text",
): { property: Property; holds: boolean } | undefined {
  const known = PROPERTIES.filter(
    (property) => isAllowed(concept, property, part) && property.holds(concept) !== undefined,
  );
  // More is false than true of a thing.
  const wanted = random.chance(0.6);
  const fitting = known.filter((property) => property.holds(concept) === wanted);
  return fitting.length === 0 ? undefined : { property: random.pick(fitting), holds: wanted };
}
