import { countryFactsOf } from "../concepts/country-facts.ts";
import { factsOf } from "../concepts/facts.ts";
import { general, generalIsPlural, indefinite, isPluralOnly } from "../concepts/nouns.ts";
import type { Random } from "../random.ts";
import {
  calendarTurn,
  compareTurn,
  neighbourTurn,
  sortNumbersTurn,
  sumContent,
  sumTurn,
} from "./abilities/arithmetic.ts";
import { aboutTurn, capitalOfTurn, factCheckTurn } from "./abilities/fact-checks.ts";
import { type Content, inForm } from "./abilities/forms.ts";
import {
  byName,
  countryQuestion,
  factQuestion,
  textCountryTurn,
  textFactTurn,
  variedFacts,
} from "./abilities/knowledge.ts";
import { propertyTextTurn, whichOrTurn } from "./abilities/properties.ts";
import { legsTextTurn, oddTextTurn, sameKindTextTurn } from "./abilities/reasoning.ts";
import { memoryTurns, sayAgainTurn, smallTalkTurn } from "./abilities/small-talk.ts";
import { noPictureTurn, unsureTextTurn } from "./abilities/unsure.ts";
import {
  definitionTurn,
  exampleTurn,
  listTurn,
  oppositeContent,
  trueTurn,
  whoTurn,
  wordTurn,
} from "./abilities/words.ts";
import type { AskedTurn, Telling, World } from "./turns.ts";
import { pickWeighted } from "./weights.ts";
import { ask, wordingsOf } from "./wordings.ts";

type TextAbility = (telling: Telling, earlier: readonly AskedTurn[]) => AskedTurn[];

/** Facts of one thing: by name, then by pronoun. */
function factsTurns(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const concept = random.pick(world.concepts);
  const facts = random.shuffle(variedFacts(factsOf(concept), random)).slice(0, 1 + random.integer(3));
  if (random.chance(0.2)) {
    const told = ask("iHave", telling, { X: indefinite(concept) });
    const start: AskedTurn = {
      ...told,
      answer: `you have ${indefinite(concept)}.`,
      ability: "memory",
      letter: "f",
      slot: [concept.name],
    };
    return [start, ...facts.map((fact) => textFactTurn(concept, fact, pronoun(false), telling))];
  }
  const named = byName(concept, telling);
  const plural = (named === general(concept) && generalIsPlural(concept)) || isPluralOnly(concept);
  function pronoun(several: boolean): string {
    return several
      ? "they"
      : random.pick(["it", "it", "this animal"].slice(0, concept.facts.legs === undefined ? 2 : 3));
  }
  return facts.map((fact, i) => textFactTurn(concept, fact, i === 0 ? named : pronoun(plural), telling));
}

/** Facts of one country. */
function countryTurns(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const country = random.pick(world.countries);
  const turns = Array.from({ length: 1 + random.integer(3) }, (_, i) =>
    textCountryTurn(country, telling, i > 0),
  );
  return turns.filter(({ answer }, i) => turns.findIndex((turn) => turn.answer === answer) === i);
}

/** A fact in words whose answer may have to have a form. */
function factContent(telling: Telling): Content {
  const { random, world, part } = telling;
  if (random.chance(0.4)) {
    const country = random.pick(world.countries);
    const { relation, value } = random.pick(countryFactsOf(country));
    const wording = random.pick(wordingsOf(relation.questions, part));
    return {
      asked: { wordings: [wording], question: countryQuestion(wording, country.name) },
      word: value,
      phrase: value,
      sentence: relation.answer(country, value).replace(/\.$/, ""),
    };
  }
  const concept = random.pick(world.concepts.filter((concept) => !isPluralOnly(concept)));
  const fact = random.pick(factsOf(concept));
  const word = fact.relation.slot(fact.value);
  return {
    asked: factQuestion(concept, fact, indefinite(concept), telling),
    word,
    phrase: word,
    sentence: fact.relation.answer(concept, fact.value).replace(/\.$/, ""),
  };
}

function formTurn(telling: Telling): AskedTurn[] {
  const content = telling.random.pick([factContent, factContent, sumContent, oppositeContent])(telling);
  return inForm(content, telling);
}

/** What is asked without a picture, with sampling weights. */
const WEIGHTS: readonly (readonly [number, TextAbility])[] = [
  [30, factsTurns],
  [11, countryTurns],
  [5, factCheckTurn],
  [1.5, capitalOfTurn],
  [2, aboutTurn],
  [8, formTurn],
  [9, (telling) => [smallTalkTurn(telling)]],
  [4, (telling) => memoryTurns(telling, telling.random.chance(0.5) ? [smallTalkTurn(telling)] : [])],
  [1, (telling, earlier) => sayAgainTurn(earlier, telling)],
  [5, sumTurn],
  [2, compareTurn],
  [2, neighbourTurn],
  [1.5, sortNumbersTurn],
  [2, calendarTurn],
  [4, listTurn],
  [7, wordTurn],
  [2, exampleTurn],
  [2, whoTurn],
  [3, definitionTurn],
  [1, trueTurn],
  [3, whichOrTurn],
  [2.5, propertyTextTurn],
  [3, legsTextTurn],
  [1.5, oddTextTurn],
  [1.5, sameKindTextTurn],
  [5, unsureTextTurn],
  [4, noPictureTurn],
];

function draw(telling: Telling, earlier: readonly AskedTurn[]): AskedTurn[] {
  for (;;) {
    const turns = pickWeighted(WEIGHTS, telling.random)(telling, earlier);
    if (turns.length > 0) return turns;
  }
}

/** A conversation without a picture. */
export function textConversation(telling: Telling): AskedTurn[] {
  const { random } = telling;
  const length = random.chance(0.03) ? 8 + random.integer(12) : 1 + random.integer(4);
  const turns: AskedTurn[] = [];
  while (turns.length < length) turns.push(...draw(telling, turns));
  return turns.slice(0, 20);
}

/** Three to five facts, of one thing or country or of several, in any order. */
export function factParagraph({ concepts, countries }: World, random: Random): string {
  const about = (): (() => string) => {
    if (random.chance(0.3)) {
      const country = random.pick(countries);
      return () => {
        const { relation, value } = random.pick(countryFactsOf(country));
        return random.pick(relation.statements(country, value));
      };
    }
    const concept = random.pick(concepts);
    return () => {
      const { relation, value } = random.pick(factsOf(concept));
      return random.pick(relation.statements(concept, value));
    };
  };
  const one = random.chance(0.5) ? about() : undefined;
  const sentences = Array.from({ length: 3 + random.integer(3) }, () => (one ?? about())());
  return [...new Set(sentences)].join(" ");
}
