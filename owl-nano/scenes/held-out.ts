import type { Concept } from "../concepts/concepts.ts";
import { readTestWords } from "../concepts/words.ts";
import { randomFor } from "../random.ts";
import type { DocumentLayout } from "./scene.ts";

/** The seed of every split that is drawn by name. */
export const SPLIT_SEED = 20230427;

/** The shares of what no training stage shows. */
const SHARES = { pair: 0.1, count: 0.15, color: 0.15, form: 0.15, fact: 0.25 } as const;

function isDrawn(split: keyof typeof SHARES, key: string): boolean {
  return randomFor(SPLIT_SEED, `held out ${split} ${key}`, 0).chance(SHARES[split]);
}

/** S4: this pair of things, in either order, is in no training picture. */
export function isHeldOutPair(a: Concept, b: Concept): boolean {
  const [first, second] = [a.name, b.name].sort();
  return first !== second && isDrawn("pair", `${first} ${second}`);
}

/** S4: no training picture shows exactly this many of this thing (from two on). */
export function isHeldOutCount(concept: Concept, count: number): boolean {
  return count > 1 && isDrawn("count", `${concept.name} ${count}`);
}

/** S4: this thing, alone, is never on a background of this color. */
export function isHeldOutBackground(concept: Concept, color: number): boolean {
  return isDrawn("color", `${concept.name} ${color}`);
}

/** S4: nobody asks for an answer of this form about this thing. */
export function isHeldOutForm(concept: Concept, form: string): boolean {
  return isDrawn("form", `${concept.name} ${form}`);
}

/** S6: the relation of this concept or country is told in texts, and never asked beside its picture or notes. */
export function isHeldOutFact(name: string, relation: string): boolean {
  return isDrawn("fact", `${name} ${relation}`);
}

let heldOutWords: ReadonlySet<string> | undefined;

/** S5: `data/test-words.txt`, drawn once from the easy words, none the name of a thing or color: no training picture or text has them as scene text. */
export function isHeldOutWord(word: string): boolean {
  heldOutWords ??= new Set(readTestWords());
  return heldOutWords.has(word.toLowerCase());
}

/** Words by whether training may write them. */
export function splitWords(words: readonly string[]): { readonly train: string[]; readonly test: string[] } {
  return {
    train: words.filter((word) => !isHeldOutWord(word)),
    test: words.filter(isHeldOutWord),
  };
}

/** S7: documents of this layout are in no training picture. */
export function isHeldOutLayout(layout: DocumentLayout): boolean {
  return layout === "ticket" || layout === "timetable";
}

/** Of everything that is held out by name, a third is for validation, on which choices are made, the rest for the test. */
export function isForValidation(key: string): boolean {
  return randomFor(SPLIT_SEED, `validation ${key}`, 0).chance(1 / 3);
}
