import type { Concept } from "../../concepts/concepts.ts";
import { article, indefinite, isPluralOnly, kindPhrase } from "../../concepts/nouns.ts";
import { isHeldOutFact } from "../../scenes/held-out.ts";
import type { Scene } from "../../scenes/scene.ts";
import { picturedKind, severalOfKind, wideKind } from "../kinds.ts";
import { countPhrase, type Group, groupsOf, inARow, inWords, NUMBERS } from "../scene-words.ts";
import { type AskedTurn, type Part, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";
import { isCounted, thereAre } from "./counting.ts";

/** A group whose things are a concept's. */
type Named = Group & { readonly subject: { readonly kind: "concept"; readonly concept: Concept } };

function namedGroups(scene: Scene): Named[] {
  const groups = groupsOf(scene).filter((group): group is Named => group.subject.kind === "concept");
  return groups.length === groupsOf(scene).length ? groups : [];
}

/** The legs of one of it; undefined where that is not told or may not be asked beside a picture. */
function legsOf(concept: Concept, part: Part): number | undefined {
  const legs = concept.facts.legs;
  if (legs === undefined || (part !== "test" && isHeldOutFact(concept.name, "legs"))) return undefined;
  return NUMBERS.indexOf(legs);
}

function oneHas(concept: Concept, legs: number): string {
  return `${indefinite(concept)} has ${NUMBERS[legs]} legs.`;
}

/** "two times four is eight." */
export function timesSentence(a: number, b: number): string {
  return `${inWords(a)} times ${inWords(b)} is ${inWords(a * b)}.`;
}

/** "how many legs are there in all?" */
export function legsTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = namedGroups(scene);
  const legs = groups.map(({ subject }) => legsOf(subject.concept, telling.part));
  if (groups.length === 0 || groups.length > 2 || legs.some((count) => count === undefined)) return [];
  const [first, second] = groups;
  const asked = ask("legsTotal", telling);
  if (second === undefined) {
    const count = first.things.length;
    const start = `${thereAre(first.subject, count)}. ${oneHas(first.subject.concept, legs[0]!)}`;
    const answer = count === 1 ? start : `${start} ${timesSentence(count, legs[0]!)}`;
    return [turnOf("reasoning", asked, answer, [inWords(count * legs[0]!)])];
  }
  if (first.things.length > 1 || second.things.length > 1) return [];
  const [a, b] = [legs[0]!, legs[1]!];
  const sum = `${inWords(a)} plus ${inWords(b)} is ${inWords(a + b)}.`;
  const answer = `${oneHas(first.subject.concept, a)} ${oneHas(second.subject.concept, b)} ${sum}`;
  return [turnOf("reasoning", asked, answer, [inWords(a + b)])];
}

/** "are there more dogs than cats?", "what are there fewer of?" */
export function moreTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = namedGroups(scene);
  if (groups.length !== 2 || scene.lines.length > 0 || !groups.every(({ subject }) => isCounted(subject)))
    return [];
  const { random } = telling;
  const [first, second] = groups;
  if (first.things.length + second.things.length === 2) return [];
  const difference = first.things.length - second.things.length;
  const verb = first.things.length === 1 ? "is" : "are";
  const start = `there ${verb} ${groups.map(({ subject, things }) => countPhrase(subject, things.length)).join(" and ")}.`;
  const [X, Y] = random.shuffle(groups).map(({ subject }) => subject.concept.plural);
  const more = difference > 0 ? first : second;
  const fewer = difference > 0 ? second : first;
  if (difference === 0 || random.chance(0.4)) {
    const yes = difference !== 0 && more.subject.concept.plural === X;
    const end =
      difference === 0
        ? withVerdict(false, "there are as many")
        : withVerdict(yes, `there are more ${more.subject.concept.plural}`);
    const told = difference === 0 ? "" : `${X}? `;
    const answer = `${told}${start} ${end}`;
    return [turnOf("reasoning", ask("moreThan", telling, { X, Y }), answer, [yes ? "yes" : "no"])];
  }
  const asksMore = random.chance(0.65);
  const wanted = (asksMore ? more : fewer).subject.concept.plural;
  const asked = ask(asksMore ? "moreOf" : "fewerOf", telling, { X, Y });
  return [
    turnOf("reasoning", asked, `${start} there are ${asksMore ? "more" : "fewer"} ${wanted}.`, [wanted]),
  ];
}

/** The one of several whose wide kind is not that of all others. */
function oddOf(
  concepts: readonly Concept[],
  kindOf: (concept: Concept) => string | undefined,
): { odd: Concept; others: Concept[]; kind: string } | undefined {
  if (concepts.length < 3) return undefined;
  for (const odd of concepts) {
    const others = concepts.filter((concept) => concept !== odd);
    const kinds = new Set(others.map(kindOf));
    const [kind] = kinds;
    if (kinds.size === 1 && kind !== undefined && kindOf(odd) !== kind) return { odd, others, kind };
  }
  return undefined;
}

function oddAnswer({ odd, others, kind }: { odd: Concept; others: Concept[]; kind: string }): string {
  const one = kind === "food" ? kind : article(kind);
  const many = severalOfKind(kind);
  return `${inARow(others.map(indefinite))} are ${many}. ${indefinite(odd)} is not ${one}. the odd one is the ${odd.name}.`;
}

/** "which one does not belong?" */
export function oddTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = namedGroups(scene);
  const found = oddOf(
    groups.map(({ subject }) => subject.concept),
    (concept) => picturedKind(concept, telling.part),
  );
  if (found === undefined || groups.length !== scene.things.length || isPluralOnly(found.odd)) return [];
  return [turnOf("reasoning", ask("oddOne", telling), oddAnswer(found), [found.odd.name])];
}

/** "are they the same kind of thing?" */
export function sameKindTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = namedGroups(scene);
  if (groups.length !== 2 || scene.things.length !== 2) return [];
  const [a, b] = groups.map(({ subject }) => subject.concept);
  // Few pairs are of one kind, so "no" is said seldom.
  if (a.kind !== b.kind && telling.random.chance(0.85)) return [];
  const hidden = ({ name }: Concept): boolean => telling.part !== "test" && isHeldOutFact(name, "kind");
  if (hidden(a) || hidden(b)) return [];
  return sameKindAnswer(a, b).map(({ answer, slot }) =>
    turnOf("reasoning", ask("sameKind", telling), answer, slot),
  );
}

function sameKindAnswer(a: Concept, b: Concept): { answer: string; slot: string[] }[] {
  if (isPluralOnly(a) || isPluralOnly(b) || a.kind === a.name || b.kind === b.name) return [];
  const same = a.kind === b.kind;
  const [first, second] = [a, b].map((concept) => `${indefinite(concept)} is ${kindPhrase(concept.kind)}.`);
  const end = withVerdict(same, `they are ${same ? "" : "not "}the same kind`);
  return [{ answer: `${first} ${second} ${end}`, slot: [same ? "yes" : "no"] }];
}

/** "are a dog and a rose the same kind of thing?", in words alone: yes in half of the cases. */
export function sameKindTextTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const a = random.pick(world.concepts);
  const same = world.concepts.filter((concept) => concept.kind === a.kind && concept !== a);
  const b = random.pick(random.chance(0.5) && same.length > 0 ? same : world.concepts);
  if (a === b) return [];
  const fills = { X: indefinite(a), Y: indefinite(b) };
  return sameKindAnswer(a, b).map(({ answer, slot }) =>
    turnOf("reasoning", ask("sameKindWords", telling, fills), answer, slot),
  );
}

/** "how many legs do three dogs have?" */
export function legsTextTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const concept = random.pick(world.concepts.filter(({ facts }) => facts.legs !== undefined));
  const legs = NUMBERS.indexOf(concept.facts.legs);
  const count = 2 + random.integer(5);
  const asked = ask("legsWords", telling, { N: inWords(count), X: concept.plural });
  return [
    turnOf("reasoning", asked, `${oneHas(concept, legs)} ${timesSentence(count, legs)}`, [
      inWords(count * legs),
    ]),
  ];
}

/** "which one does not belong: dog, cat, car?" */
export function oddTextTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const shuffled = random.shuffle(world.concepts.filter((concept) => !isPluralOnly(concept)));
  const kind = random.pick(["animal", "animal", "food", "vehicle", "tool", "instrument", "plant"]);
  const others = shuffled.filter((concept) => wideKind(concept) === kind).slice(0, 2 + random.integer(2));
  const odd = shuffled.find((concept) => wideKind(concept) !== kind);
  if (odd === undefined || others.length < 2) return [];
  const order = random.shuffle([...others, odd]);
  const asked = ask("oddWords", telling, { L: order.map(({ name }) => name).join(", ") });
  const found = { odd, others: order.filter((concept) => concept !== odd), kind };
  return [turnOf("reasoning", asked, oddAnswer(found), [odd.name])];
}
