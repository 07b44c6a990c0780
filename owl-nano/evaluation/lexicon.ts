import { COLORS } from "../concepts/colors.ts";
import { readConcepts } from "../concepts/concepts.ts";
import { readCountries } from "../concepts/countries.ts";
import { factsOf } from "../concepts/facts.ts";

/** Kinds of words that exclude each other: of each, an answer may only say what is true. */
export type WordKind = "name" | "color" | "number" | "side" | "value" | "capitals";

/** Something that an answer says: how it is written in a canonical form, and which kinds it may belong to. */
export interface Said {
  readonly text: string;
  /** Which tokens say it. */
  readonly from: number;
  readonly length: number;
  readonly kinds: readonly WordKind[];
}

const SIDES = "left right above below top bottom middle first second both".split(" ");

interface Entry {
  readonly canonical: string;
  readonly kinds: Set<WordKind>;
}

let entries: Map<string, Entry> | undefined;

/** Every name and value, by its tokens. A plural counts as its singular: the number is said by numbers. */
function lexicon(): Map<string, Entry> {
  if (entries !== undefined) return entries;
  const all = new Map<string, Entry>();
  const add = (phrase: string, kind: WordKind, canonical = phrase): void => {
    const known = all.get(phrase);
    if (known === undefined) all.set(phrase, { canonical, kinds: new Set([kind]) });
    else known.kinds.add(kind);
  };
  for (const concept of readConcepts()) {
    add(concept.name, "name");
    add(concept.plural, "name", concept.name);
    for (const { relation, value } of factsOf(concept)) add(relation.slot(value), "value");
  }
  for (const { name, capital, continent, language, currency } of readCountries()) {
    add(name, "name");
    for (const value of [capital, continent, language, currency])
      if (value !== undefined) add(value, "value");
  }
  for (const word of ["something", "nothing"]) add(word, "name");
  for (const { name } of COLORS) add(name, "color");
  for (const word of SIDES) add(word, "side");
  entries = all;
  return all;
}

const LONGEST = 3;

/** What a text says of the kinds that exclude each other, as long phrases as possible. */
export function saidIn(tokens: readonly string[]): Said[] {
  const all = lexicon();
  const said: Said[] = [];
  for (let at = 0; at < tokens.length; ) {
    const length = [LONGEST, 2, 1].find(
      (n) => all.has(tokens.slice(at, at + n).join(" ")) && at + n <= tokens.length,
    );
    const token = tokens[at];
    if (length !== undefined) {
      const { canonical, kinds } = all.get(tokens.slice(at, at + length).join(" "))!;
      // "an orange background" speaks of no fruit.
      const isColor = kinds.has("color") && /^(background|sign)$/.test(tokens[at + 1] ?? "");
      said.push({ text: canonical, from: at, length, kinds: isColor ? ["color"] : [...kinds] });
    } else if (/^\$?\d/.test(token)) said.push({ text: token, from: at, length: 1, kinds: ["number"] });
    else if (/[A-Z]/.test(token)) said.push({ text: token, from: at, length: 1, kinds: ["capitals"] });
    at += length ?? 1;
  }
  return said;
}
