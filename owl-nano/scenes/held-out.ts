import { COLORS } from "../concepts/colors.ts";
import { type Concept, readConcepts } from "../concepts/concepts.ts";
import { readWords } from "../concepts/words.ts";
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

/** S5: 200 words of the list, none the name of a thing or color, are in no training picture or text as scene text. */
export function splitWords(words: readonly string[]): { readonly train: string[]; readonly test: string[] } {
  const names = new Set([
    ...readConcepts().flatMap(({ name, plural }) => [name, plural]),
    ...COLORS.map(({ name }) => name),
  ]);
  const longEnough = words.filter((word) => word.length >= 3 && word.length <= 7 && !names.has(word));
  const test = new Set(randomFor(SPLIT_SEED, "held out words", 0).shuffle(longEnough).slice(0, 200));
  return { train: words.filter((word) => !test.has(word)), test: [...test] };
}

let heldOutWords: ReadonlySet<string> | undefined;

/** S5: whether a word is one of those that no training text has in capitals. */
export function isHeldOutWord(word: string): boolean {
  heldOutWords ??= new Set(splitWords(readWords()).test);
  return heldOutWords.has(word.toLowerCase());

/** S7: documents of this layout are in no training picture. */
export function isHeldOutLayout(layout: DocumentLayout): boolean {
  return layout === "ticket" || layout === "timetable";
}
