import type { Concept } from "../../concepts/concepts.ts";
import type { Country } from "../../concepts/countries.ts";
import { type CountryRelation, countryFactsOf } from "../../concepts/country-facts.ts";
import { askPlural, ask as askSingular, factsOf, type Relation } from "../../concepts/facts.ts";
import { general, generalIsPlural, indefinite, isPluralOnly } from "../../concepts/nouns.ts";
import type { Random } from "../../random.ts";
import { isHeldOutFact } from "../../scenes/held-out.ts";
import type { Scene } from "../../scenes/scene.ts";
import { picturedKind } from "../kinds.ts";
import { type Group, groupsOf, pointingAt } from "../scene-words.ts";
import { type Asked, type AskedTurn, LETTER_OF, type Part, type Telling, turnOf } from "../turns.ts";
import { inOtherWords } from "../typed.ts";
import { askOf } from "../wordings.ts";
import { farthest } from "./looking.ts";
import { isNamed } from "./naming.ts";
import { atSide, SIDES, type Side } from "./relations.ts";

/** A relation of a concept with its value. */
export interface Fact {
  readonly relation: Relation;
  readonly value: string;
}

/** The facts to choose from: everything has a kind, so it is often left out where there is something else. */
export function variedFacts(facts: readonly Fact[], { chance }: Random): readonly Fact[] {
  const others = facts.filter(({ relation }) => relation.name !== "kind");
  return others.length > 0 && chance(0.5) ? others : facts;
}

/** The facts of a concept that may be asked beside its picture. */
export function picturedFacts(concept: Concept, part: Part): Fact[] {
  return factsOf(concept).filter(
    ({ relation }) => part === "test" || !isHeldOutFact(concept.name, relation.name),
  );
}

/** The facts of a country that may be asked beside its flag. */
export function picturedCountryFacts(
  country: Country,
  part: Part,
): { relation: CountryRelation; value: string }[] {
  return countryFactsOf(country).filter(
    ({ relation }) => part === "test" || !isHeldOutFact(country.name, relation.name),
  );
}

/** The question about a fact, of "it", "they", "the animal on the left" or by name. */
export function factQuestion(concept: Concept, { relation }: Fact, thing: string, telling: Telling): Asked {
  const plural =
    thing === "they" ||
    (generalIsPlural(concept) && thing === general(concept)) ||
    (isPluralOnly(concept) && thing.endsWith(concept.name));
  return askOf(relation.name, relation.questions, telling, (question) => {
    if (!plural) return askSingular(question, thing);
    return askPlural(question, thing, thing === "they" ? "them" : thing);
  });
}

/** The words of a fact's answer that decide. */
export function factSlot({ relation, value }: Fact): string[] {
  return [relation.slot(value)];
}

/** A turn about a fact; `bridge` is said before it. */
export function factTurn(
  concept: Concept,
  fact: Fact,
  thing: string,
  { telling, bridge = "" }: { readonly telling: Telling; readonly bridge?: string },
): AskedTurn {
  const asked = factQuestion(concept, fact, thing, telling);
  const answer = `${bridge}${fact.relation.answer(concept, fact.value)}`;
  const told = { name: concept.name, relation: fact.relation.name };
  return { ...turnOf("knowledge", asked, answer, factSlot(fact)), fact: told };
}

/** How a lone thing is spoken of before it was named. */
export function thisOne(concept: Concept, { relation }: Fact, telling: Telling): string {
  const wide = relation.name === "kind" ? undefined : picturedKind(concept, telling.part);
  const words = ["it", "it", "this", "this thing", "the thing in the picture"];
  return telling.random.pick(
    wide === undefined ? words : [...words, `this ${wide}`, `this ${wide}`, `the ${wide}`],
  );
}

/** How a thing is spoken of by name. */
export function byName(concept: Concept, telling: Telling): string {
  return telling.random.pick([indefinite(concept), general(concept), `the ${concept.name}`]);
}

/** A fact of the thing or things of one kind. */
function factOfGroup(group: Group, telling: Telling, earlier: readonly AskedTurn[]): AskedTurn[] {
  const { subject, things } = group;
  if (subject.kind !== "concept") return [];
  const { concept } = subject;
  const facts = picturedFacts(concept, telling.part);
  if (facts.length === 0) return [];
  const fact = telling.random.pick(variedFacts(facts, telling.random));
  if (telling.random.chance(0.2)) return [factTurn(concept, fact, byName(concept, telling), { telling })];
  const bridge = isNamed(subject, earlier) ? "" : `${pointingAt(group)} `;
  const plural = things.length > 1 || isPluralOnly(concept);
  const thing = plural
    ? "they"
    : bridge === ""
      ? telling.random.pick(["it", "it", "this"])
      : thisOne(concept, fact, telling);
  return [factTurn(concept, fact, thing, { telling, bridge })];
}

/** A fact of one of several things: "what does the animal on the left eat?" */
function factOfOne(scene: Scene, telling: Telling): AskedTurn[] {
  const { random, part } = telling;
  const side: Side = random.pick(SIDES);
  const thing = farthest(scene, side);
  const group = groupsOf(scene).find(({ things }) => thing !== undefined && things.includes(thing));
  if (thing?.subject.kind !== "concept" || group?.things.length !== 1) return [];
  const { concept } = thing.subject;
  const facts = picturedFacts(concept, part);
  if (facts.length === 0) return [];
  const fact = random.pick(variedFacts(facts, random));
  if (random.chance(0.35)) return [factTurn(concept, fact, byName(concept, telling), { telling })];
  if (isPluralOnly(concept)) return [];
  const wide = picturedKind(concept, part) ?? "thing";
  const where = atSide(side);
  const words = [`the ${wide} ${where}`, `the thing ${where}`, `the one ${where}`];
  const called = random.pick(
    side === "left" || side === "right" ? [...words, `the ${side} one`, `the ${side} ${wide}`] : words,
  );
  return [factTurn(concept, fact, called, { telling, bridge: `${where} is ${indefinite(concept)}. ` })];
}

/** A fact of the country whose flag is shown. */
function factOfCountry(country: Country, telling: Telling, earlier: readonly AskedTurn[]): AskedTurn[] {
  const { random, part } = telling;
  const facts = picturedCountryFacts(country, part);
  if (facts.length === 0) return [];
  const { relation, value } = random.pick(facts);
  const named = isNamed({ kind: "flag", country }, earlier);
  const things = ["this country", "this country", "the country", "the country with this flag", country.name];
  const asked =
    named && random.chance(0.6)
      ? askOf("", relation.followUps, telling, (question) => question)
      : askOf(relation.name, relation.questions, telling, (question) =>
          countryQuestion(question, random.pick(things)),
        );
  const bridge =
    named || asked.question.includes(country.name) ? "" : `this is the flag of ${country.name}. `;
  const turn = turnOf("knowledge", asked, `${bridge}${relation.answer(country, value)}`, [value]);
  return [{ ...turn, fact: { name: country.name, relation: relation.name } }];
}

/** The question about a country by what it is called. */
export function countryQuestion(question: string, country: string): string {
  return question.replace("X", country);
}

/** A fact about what the picture shows. */
export function knowledgeTurn(scene: Scene, telling: Telling, earlier: readonly AskedTurn[]): AskedTurn[] {
  const groups = groupsOf(scene);
  if (groups.length === 0) return [];
  if (groups.length > 1) return factOfOne(scene, telling);
  const [group] = groups;
  if (group.subject.kind === "flag") return factOfCountry(group.subject.country, telling, earlier);
  return factOfGroup(group, telling, earlier);
}

/** A fact in words alone: of a concept. */
export function textFactTurn(concept: Concept, fact: Fact, thing: string, telling: Telling): AskedTurn {
  return inOtherWords(
    { ...factTurn(concept, fact, thing, { telling }), ability: "text fact", letter: LETTER_OF["text fact"] },
    telling.random,
  );
}

/** A fact in words alone: of a country. */
export function textCountryTurn(country: Country, telling: Telling, followUp: boolean): AskedTurn {
  const { relation, value } = telling.random.pick(countryFactsOf(country));
  const asked = followUp
    ? askOf("", relation.followUps, telling, (question) => question)
    : askOf(relation.name, relation.questions, telling, (question) =>
        countryQuestion(question, country.name),
      );
  const turn = turnOf("text fact", asked, relation.answer(country, value), [value]);
  return inOtherWords({ ...turn, fact: { name: country.name, relation: relation.name } }, telling.random);
}
