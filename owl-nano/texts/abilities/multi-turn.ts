import { indefinite, isPluralOnly } from "../../concepts/nouns.ts";
import type { Scene, Thing } from "../../scenes/scene.ts";
import {
  backgroundName,
  be,
  groupsOf,
  inWords,
  isSign,
  nameOf,
  oneOf,
  pointingAt,
  textOf,
  theOne,
} from "../scene-words.ts";
import { type AskedTurn, LETTER_OF, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";
import { countTurn, isCounted, thereAre } from "./counting.ts";
import { documentFollowUp } from "./documents.ts";
import { type Fact, factTurn, knowledgeTurn, picturedFacts } from "./knowledge.ts";
import { backgroundTurn, colorTurn, farthest } from "./looking.ts";
import { nameTurn } from "./naming.ts";
import { isThisTurn, seen } from "./presence.ts";
import { atSide, type Side, sideAnswer } from "./relations.ts";
import { letterTurn, readTurn, signColorTurn } from "./signs.ts";

/** Marks turns as parts of a linked conversation; small talk stays small talk. */
export function linked(turns: readonly AskedTurn[]): AskedTurn[] {
  return turns.map((turn) =>
    turn.ability === "small talk"
      ? turn
      : { ...turn, ability: "multi-turn", letter: LETTER_OF["multi-turn"] },
  );
}

type Link = (scene: Scene, telling: Telling) => AskedTurn[];

/** Up to `count` facts of a thing that was just named, each another one. */
function followUps(thing: Thing, count: number, telling: Telling): AskedTurn[] {
  if (thing.subject.kind !== "concept") return [];
  const { concept } = thing.subject;
  const facts: Fact[] = telling.random.shuffle(picturedFacts(concept, telling.part)).slice(0, count);
  const pronoun = (): string =>
    isPluralOnly(concept) ? "they" : telling.random.pick(["it", "it", "it", "this", "this one"]);
  return facts.map((fact) => factTurn(concept, fact, pronoun(), { telling }));
}

/** What it is, facts of it, and back to the picture. */
const nameAndFacts: Link = (scene, telling) => {
  const { random } = telling;
  const [thing, ...rest] = scene.things;
  if (thing === undefined || rest.length > 0 || scene.lines.length > 0) return [];
  const start = random.chance(0.8) ? nameTurn(scene, telling) : isThisTurn(scene, telling);
  if (start.length === 0 || thing.subject.kind === "unknown") return [];
  const facts =
    thing.subject.kind === "flag"
      ? flagFacts(scene, telling, start, 1 + random.integer(2))
      : followUps(thing, 1 + random.integer(3), telling);
  const back = random.chance(0.35) ? random.pick([backToColor, backToBackground])(scene, telling) : [];
  return [...start, ...facts, ...back];
};

function flagFacts(
  scene: Scene,
  telling: Telling,
  earlier: readonly AskedTurn[],
  count: number,
): AskedTurn[] {
  const turns: AskedTurn[] = [];
  for (let i = 0; i < count; i++) {
    const [turn] = knowledgeTurn(scene, telling, [...earlier, ...turns]);
    if (turn !== undefined && turns.every(({ answer }) => answer !== turn.answer)) turns.push(turn);
  }
  return turns;
}

const backToColor: Link = (scene, telling) => colorTurn(scene, telling);

const backToBackground: Link = (scene, telling) => {
  if (telling.random.chance(0.5)) return backgroundTurn(scene, telling);
  const color = backgroundName(scene);
  return [turnOf("multi-turn", ask("itsBackground", telling), `the background is ${color}.`, [color])];
};

/** A clear side of a pair and the opposite one. */
function sidesOf(
  scene: Scene,
  telling: Telling,
): { side: Side; other: Side; a: Thing; b: Thing } | undefined {
  if (scene.things.length !== 2 || scene.lines.length > 0 || groupsOf(scene).length !== 2) return undefined;
  if (scene.things.some(({ subject }) => subject.kind === "unknown")) return undefined;
  const pairs: readonly (readonly [Side, Side])[] = [
    ["left", "right"],
    ["right", "left"],
    ["top", "bottom"],
    ["bottom", "top"],
  ];
  for (const [side, other] of telling.random.shuffle(pairs)) {
    const a = farthest(scene, side);
    const b = farthest(scene, other);
    if (a !== undefined && b !== undefined && a !== b) return { side, other, a, b };
  }
  return undefined;
}

/** What is on one side, a fact of it, then the other, and a fact of that. */
const bothSides: Link = (scene, telling) => {
  const found = sidesOf(scene, telling);
  if (found === undefined) return [];
  const { random } = telling;
  const { side, other, a, b } = found;
  const start = turnOf("relation", ask("whatIsAt", telling, { S: atSide(side) }), sideAnswer(side, a), [
    nameOf(a.subject),
  ]);
  const asked = random.chance(0.5) ? ask("andOther", telling) : ask("andSide", telling, { S: atSide(other) });
  const turn = turnOf("multi-turn", asked, sideAnswer(other, b), [nameOf(b.subject)]);
  const count = (): number => random.integer(3);
  return [start, ...followUps(a, Math.min(1, count()), telling), turn, ...followUps(b, count(), telling)];
};

/** The same fact of both: "what does the dog eat?" "and the cat?" */
const sameFactOfBoth: Link = (scene, telling) => {
  const found = sidesOf(scene, telling);
  if (found === undefined) return [];
  const { a, b } = found;
  if (a.subject.kind !== "concept" || b.subject.kind !== "concept") return [];
  const [first, second] = [a.subject.concept, b.subject.concept];
  if (isPluralOnly(first) || isPluralOnly(second)) return [];
  const ofSecond = picturedFacts(second, telling.part);
  const shared = picturedFacts(first, telling.part).filter(({ relation }) =>
    ofSecond.some((fact) => fact.relation === relation),
  );
  if (shared.length === 0) return [];
  const fact = telling.random.pick(shared);
  const same = ofSecond.find(({ relation }) => relation === fact.relation)!;
  const next = ask("andThis", telling, { X: `the ${second.name}` });
  const turn = turnOf("multi-turn", next, same.relation.answer(second, same.value), [
    same.relation.slot(same.value),
  ]);
  const told = { name: second.name, relation: same.relation.name };
  return [factTurn(first, fact, `the ${first.name}`, { telling }), { ...turn, fact: told }];
};

/** The color of one, then of the other. */
const bothColors: Link = (scene, telling) => {
  const [start] = colorTurn(scene, telling);
  if (start === undefined || scene.things.length !== 2) return [];
  const other = scene.things.find(
    ({ subject, color }) =>
      color !== undefined && !start.answer.includes(theOne(subject)) && subject.kind === "concept",
  );
  if (other === undefined || groupsOf(scene).length !== 2) return [];
  const [next] = colorTurn(
    { ...scene, things: [other, { ...other, subject: { kind: "unknown" } }] },
    telling,
  );
  if (next === undefined) return [];
  return [
    start,
    turnOf("multi-turn", ask("andThis", telling, { X: theOne(other.subject) }), next.answer, next.slot),
  ];
};

/** Where one is and where the other. */
const whereBoth: Link = (scene, telling) => {
  const found = sidesOf(scene, telling);
  if (found === undefined) return [];
  const { a, b, side, other } = found;
  const to = (at: Side): string =>
    ({ left: "to the left of", right: "to the right of", top: "above", bottom: "below" })[at];
  const say = (thing: Thing, at: Side, from: Thing): string =>
    `${theOne(thing.subject)} ${be(thing.subject)} ${to(at)} ${theOne(from.subject)}.`;
  // What is clearly farthest to one side may still lie above rather than beside.
  const [dx, dy] = [Math.abs(a.x - b.x), Math.abs(a.y - b.y)];
  const sideways = side === "left" || side === "right";
  if (sideways ? dx <= 1.5 * dy : dy <= 1.5 * dx) return [];
  const first = turnOf("relation", ask("where", telling, { X: theOne(a.subject) }), say(a, side, b), [
    to(side),
    nameOf(b.subject),
  ]);
  const second = turnOf("multi-turn", ask("andThis", telling, { X: theOne(b.subject) }), say(b, other, a), [
    to(other),
    nameOf(a.subject),
  ]);
  return isPlain(a) && isPlain(b) ? [first, second] : [];
};

function isPlain({ subject }: Thing): boolean {
  return subject.kind === "concept" && !isPluralOnly(subject.concept);
}

/** How many of one kind, of the other, and in all. */
const countThrough: Link = (scene, telling) => {
  const groups = groupsOf(scene);
  if (groups.length < 1 || !groups.every(({ subject }) => isCounted(subject)) || scene.lines.length > 0)
    return [];
  if (groups.length === 1) {
    const { subject, things } = groups[0];
    const first = nameTurn(scene, telling);
    const plural = things.length > 1;
    const facts = plural && subject.kind === "concept" ? factOfThem(scene, telling, first) : [];
    return plural ? [...first, ...countTurn(scene, telling), ...facts] : [];
  }
  const [a, b] = telling.random.shuffle(groups);
  const [X, Y] = [a, b].map(({ subject }) => (subject.kind === "concept" ? subject.concept.plural : ""));
  const start = turnOf("counting", ask("count", telling, { X }), `${thereAre(a.subject, a.things.length)}.`, [
    inWords(a.things.length),
  ]);
  const next = turnOf(
    "multi-turn",
    ask("andThis", telling, { X: `the ${Y}` }),
    `${thereAre(b.subject, b.things.length)}.`,
    [inWords(b.things.length)],
  );
  const all = inWords(scene.things.length);
  const end = turnOf("multi-turn", ask("inAll", telling), `there are ${all} things.`, [all]);
  return groups.length === 2 && telling.random.chance(0.7) ? [start, next, end] : [start, next];
};

function factOfThem(scene: Scene, telling: Telling, earlier: readonly AskedTurn[]): AskedTurn[] {
  return knowledgeTurn(scene, telling, earlier);
}

/** "is this a cat?" "a cat? this is a dog, so no." "what is it then?" */
const notThis: Link = (scene, telling) => {
  const [turn] = isThisTurn(scene, telling);
  if (turn === undefined || turn.slot[0] !== "no") return [];
  const { subject } = scene.things[0];
  const answer = pointingAt({ subject, things: [scene.things[0]] });
  return [
    turn,
    turnOf("multi-turn", ask("whatThen", telling), answer, [nameOf(subject)]),
    ...followUps(scene.things[0], telling.random.integer(3), telling),
  ];
};

/** Is there one, and what else. */
const whatElse: Link = (scene, telling) => {
  const found = sidesOf(scene, telling);
  if (found === undefined || !isPlain(found.a) || found.a.subject.kind !== "concept") return [];
  const { a, b } = found;
  const asked = ask("isThere", telling, { X: oneOf(a.subject) });
  const start = turnOf("presence", asked, withVerdict(true, seen(scene), oneOf(a.subject)), ["yes"]);
  const verb = be(b.subject);
  const next = turnOf("multi-turn", ask("andOther", telling), `the other one ${verb} ${oneOf(b.subject)}.`, [
    nameOf(b.subject),
  ]);
  return [start, next, ...followUps(b, telling.random.integer(2), telling)];
};

/** What a sign says, its letters, its color. */
const throughSign: Link = (scene, telling) => {
  if (!isSign(scene)) return [];
  return [...readTurn(scene, telling), ...letterTurn(scene, telling), ...signColorTurn(scene, telling)];
};

/** A word beside a thing, and the thing. */
const wordAndThing: Link = (scene, telling) => {
  const [thing] = scene.things;
  if (thing?.subject.kind !== "concept" || scene.things.length !== 1 || scene.lines.length === 0) return [];
  const start = turnOf("scene text", ask("read", telling), `it says "${textOf(scene)}".`, [textOf(scene)]);
  const [fact] = followUps(thing, 1, telling);
  if (fact === undefined) return [start];
  const { concept } = thing.subject;
  const [told] = picturedFacts(concept, telling.part).filter(
    ({ relation }) => relation.name === fact.fact?.relation,
  );
  return [
    start,
    factTurn(concept, told, telling.random.pick([indefinite(concept), `the ${concept.name}`]), { telling }),
  ];
};

const LINKS: readonly Link[] = [
  nameAndFacts,
  nameAndFacts,
  nameAndFacts,
  bothSides,
  bothSides,
  sameFactOfBoth,
  bothColors,
  whereBoth,
  countThrough,
  notThis,
  whatElse,
  throughSign,
  wordAndThing,
  documentFollowUp,
];

/** A few turns over one scene that lean on each other. */
export function multiTurn(scene: Scene, telling: Telling): AskedTurn[] {
  for (const link of telling.random.shuffle(LINKS)) {
    const turns = link(scene, telling);
    if (turns.length > 1) return linked(turns);
  }
  return [];
}
