import type { Concept } from "./concepts.ts";

const MASS = new Set(
  "corn bread cheese bacon sushi spaghetti popcorn honey coffee wine beer candy fire".split(" "),
);
const PLURAL = new Set("grapes cherries fries glasses jeans scissors".split(" "));
const UNCOUNTED_KINDS = new Set("clothing furniture medicine water weather".split(" "));

function article(word: string): string {
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
}

/** "a dog", "an apple", "bread", "scissors". */
export function indefinite({ name }: Concept): string {
  return MASS.has(name) || PLURAL.has(name) ? name : article(name);
}

/** The thing as such: "dogs", "bread", "scissors". */
export function general({ name, plural }: Concept): string {
  return MASS.has(name) || PLURAL.has(name) ? name : plural;
}

/** Whether verbs after `general` take the plural. */
export function generalIsPlural({ name }: Concept): boolean {
  return !MASS.has(name);
}

/** Whether it has no singular, as "scissors". */
export function isPluralOnly({ name }: Concept): boolean {
  return PLURAL.has(name);
}

/** Whether one says "three of them": "three dogs", not "three breads". */
export function isCountable({ name }: Concept): boolean {
  return !MASS.has(name) && !PLURAL.has(name);
}

/** "this is a dog.", "these are scissors." */
export function pointing(concept: Concept): string {
  return `${PLURAL.has(concept.name) ? "these are" : "this is"} ${indefinite(concept)}.`;
}

/** "a mammal", "clothing". */
export function kindPhrase(kind: string): string {
  return UNCOUNTED_KINDS.has(kind) ? kind : article(kind);
}

export { article };
