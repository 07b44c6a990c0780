import type { Concept } from "../../concepts/concepts.ts";
import type { Country } from "../../concepts/countries.ts";
import { countryFactsOf } from "../../concepts/country-facts.ts";
import { LIVES } from "../../concepts/fact-phrases.ts";
import { factsOf } from "../../concepts/facts.ts";
import { general } from "../../concepts/nouns.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { inOtherWords } from "../typed.ts";
import { ask, type Fills, type WordingKind } from "../wordings.ts";

/** A fact with a value that may be another one's. */
interface Check {
  readonly kind: WordingKind;
  readonly fills: Fills;
  readonly holds: boolean;
  /** The fact as it is. */
  readonly truth: string;
  readonly name: string;
  readonly relation: string;
}

/** The value, or in half of the cases another of the same relation. */
function toldValue<T>(
  owner: T,
  owners: readonly T[],
  read: (owner: T) => string | undefined,
  { random }: Telling,
): { value: string; holds: boolean } {
  const truth = read(owner)!;
  const others = owners.map(read).filter((value) => value !== undefined && value !== truth);
  const holds = random.chance(0.5);
  return { value: holds ? truth : random.pick(others)!, holds };
}

function conceptCheck(telling: Telling): Check {
  const { random, world } = telling;
  const relation = random.pick(["eats", "home"] as const);
  const owners = world.concepts.filter(({ facts }) => facts[relation] !== undefined);
  const concept: Concept = random.pick(owners);
  const { value, holds } = toldValue(concept, owners, ({ facts }) => facts[relation], telling);
  const fact = factsOf(concept).find((one) => one.relation.name === relation)!;
  const told: Fills = relation === "eats" ? { V: value } : { L: LIVES[value] };
  return {
    kind: relation === "eats" ? "isFood" : "isHome",
    fills: { X: concept.plural, ...told },
    holds,
    truth: fact.relation.answer(concept, fact.value),
    name: concept.name,
    relation,
  };
}

const COUNTRY_CHECKS = { capital: "isCapital", continent: "isContinent", language: "isLanguage" } as const;

function countryCheck(telling: Telling): Check {
  const { random, world } = telling;
  const relation = random.pick(["capital", "capital", "continent", "language"] as const);
  const owners = world.countries.filter((country) => country[relation] !== undefined);
  const country: Country = random.pick(owners);
  const { value, holds } = toldValue(country, owners, (one) => one[relation], telling);
  const fact = countryFactsOf(country).find((one) => one.relation.name === relation)!;
  return {
    kind: COUNTRY_CHECKS[relation],
    fills: { X: country.name, V: value },
    holds,
    truth: fact.relation.answer(country, fact.value),
    name: country.name,
    relation,
  };
}

/** "do pandas eat bamboo?", "is paris the capital of japan?": yes in half of the cases. */
export function factCheckTurn(telling: Telling): AskedTurn[] {
  const check = telling.random.pick([conceptCheck, countryCheck])(telling);
  const answer = withVerdict(check.holds, check.truth.replace(/\.$/, ""), check.fills.V ?? check.fills.L);
  const asked = inOtherWords(ask(check.kind, telling, check.fills), telling.random);
  const turn = turnOf("text fact", asked, answer, [check.holds ? "yes" : "no"]);
  return [{ ...turn, fact: { name: check.name, relation: check.relation } }];
}

/** "of which country is paris the capital?" */
export function capitalOfTurn(telling: Telling): AskedTurn[] {
  const { name, capital } = telling.random.pick(telling.world.countries);
  const asked = ask("capitalOf", telling, { V: capital });
  const turn = turnOf("text fact", asked, `${capital} is the capital of ${name}.`, [name]);
  return [{ ...turn, fact: { name, relation: "capital" } }];
}

/** "tell me about dogs.": one or two facts; any is right. */
export function aboutTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  if (random.chance(0.3)) {
    const country = random.pick(world.countries);
    const facts = countryFactsOf(country).map(({ relation, value }) => relation.answer(country, value));
    return [aboutAnswer(country.name, facts, telling)];
  }
  const concept = random.pick(world.concepts);
  const facts = factsOf(concept).map(({ relation, value }) => relation.answer(concept, value));
  return [aboutAnswer(general(concept), facts, telling)];
}

function aboutAnswer(X: string, facts: readonly string[], telling: Telling): AskedTurn {
  const told = telling.random.shuffle(facts).slice(0, 1 + telling.random.integer(2));
  return { ...turnOf("text fact", ask("about", telling, { X }), told.join(" "), []), anyOf: facts };
}
