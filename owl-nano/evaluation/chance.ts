import { COLORS } from "../concepts/colors.ts";
import { readConcepts } from "../concepts/concepts.ts";
import { readCountries } from "../concepts/countries.ts";
import { factsOf } from "../concepts/facts.ts";
import type { AskedTurn } from "../texts/turns.ts";
import { saidIn } from "./lexicon.ts";
import { slotTokens } from "./words.ts";

let known: ReadonlyMap<string, number> | undefined;

/** How often the commonest value of each relation would be right. */
function commonest(): ReadonlyMap<string, number> {
  if (known !== undefined) return known;
  const values = new Map<string, string[]>();
  const add = (relation: string, value: string): void =>
    void values.set(relation, [...(values.get(relation) ?? []), value]);
  for (const concept of readConcepts())
    for (const { relation, value } of factsOf(concept)) add(relation.name, value);
  for (const { capital, continent, language, currency } of readCountries())
    for (const [relation, value] of Object.entries({ capital, continent, language, currency }))
      if (value !== undefined) add(relation, value);
  const share = (all: readonly string[]): number =>
    Math.max(...[...new Set(all)].map((value) => all.filter((other) => other === value).length)) / all.length;
  known = new Map([...values].map(([relation, all]) => [relation, share(all)]));
  return known;
}

const NAMES = readConcepts().length;
const SIDE_CHANCE: Readonly<Record<string, number>> = { first: 0.5, second: 0.5 };

/** Abilities with more possible answers than can be guessed, but for yes and no. */
const OPEN: ReadonlySet<string> = new Set(["scene text", "document", "unsure", "no picture", "small talk"]);

const isYesNo = (part: string): boolean => /^(yes|no|true|false)$/.test(part);

/** How often a guess among the answers that a question allows is right: one of so many names, colors, numbers up to six, sides. */
export function chanceOf({ slot, fact, ability }: AskedTurn): number {
  if (slot.length === 0) return 0;
  if (ability === "counting") return 1 / 6;
  if (OPEN.has(ability)) return slot.every(isYesNo) ? 0.5 : 0;
  if (fact !== undefined && !isYesNo(slot[0])) return commonest().get(fact.relation) ?? 0;
  return slot.reduce((product, part) => product * chanceOfPart(part), 1);
}

function chanceOfPart(part: string): number {
  if (isYesNo(part)) return 0.5;
  const said = saidIn(slotTokens(part));
  return said.reduce(
    (product, { text, kinds }) => {
      if (kinds.includes("color")) return product / COLORS.length;
      if (kinds.includes("number")) return product / 6;
      if (kinds.includes("side")) return product * (SIDE_CHANCE[text] ?? 0.25);
      if (kinds.includes("name")) return product / NAMES;
      return 0;
    },
    said.length === 0 ? 0 : 1,
  );
}
