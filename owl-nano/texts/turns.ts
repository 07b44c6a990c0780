import type { Concept } from "../concepts/concepts.ts";
import type { Country } from "../concepts/countries.ts";
import type { Random } from "../random.ts";
import type { Turn } from "./conversation.ts";

/** Which wordings may be used: those of training, those on which choices are made, those of the final test. */
export type Part = "train" | "validation" | "test";

/** Kinds of questions as OwlEval groups them: instruction, visual, reading, knowledge, reasoning, conversation. */
export type Letter = "a" | "b" | "c" | "d" | "e" | "f";

/** What a turn tests, and OwlEval's letter for it. */
export const LETTER_OF = {
  "caption one": "b",
  "caption pair": "b",
  caption: "b",
  name: "b",
  counting: "b",
  presence: "b",
  color: "b",
  relation: "b",
  position: "b",
  form: "a",
  knowledge: "d",
  "text fact": "d",
  reasoning: "e",
  "multi-turn": "f",
  memory: "f",
  "two pictures binary": "b",
  "two pictures naming": "b",
  "scene text": "c",
  document: "c",
  unsure: "b",
  "no picture": "b",
  "small talk": "f",
  skill: "a",
} as const satisfies Readonly<Record<string, Letter>>;

export type Ability = keyof typeof LETTER_OF;

/** A question as it was typed, and the wordings behind it. */
export interface Asked {
  readonly question: string;
  /** Before names were filled in and letters mistyped. */
  readonly wordings: readonly string[];
}

/** A turn with what is needed to score it. */
export interface AskedTurn extends Turn, Asked {
  readonly ability: Ability;
  readonly letter: Letter;
  /** The words of the answer that decide whether it is right, in their order. */
  readonly slot: readonly string[];
  /** Where several words are right: one of them must be in the answer. */
  readonly anyOf?: readonly string[] | undefined;
  /** The form that the answer was ordered in. */
  readonly form?: string | undefined;
  /** The fact that is asked, of a concept or country. */
  readonly fact?: { readonly name: string; readonly relation: string } | undefined;
}

/** What there is to speak of. */
export interface World {
  readonly concepts: readonly Concept[];
  readonly countries: readonly Country[];
  /** Words that may stand on signs, lower-case. */
  readonly words: readonly string[];
}

/** What every ability draws from. */
export interface Telling {
  readonly world: World;
  readonly random: Random;
  readonly part: Part;
  /** Whether training asks in its later wordings as well. */
  readonly isLate?: boolean;
}

/**
 * A sentence without its period, and whether it makes true what was asked: "a cat? this is a dog, so no." A small model that had to
 * say the verdict first guessed it and then told what it saw: "no, this is a dog." of a dog. It guessed behind the sentence, too, until
 * it said again what was asked: then the verdict is whether two of its own words are the same.
 *
 * @param asked what decides, as the sentence would say it
 */
export function withVerdict(holds: boolean, sentence: string, asked?: string): string {
  return `${asked === undefined ? "" : `${asked}? `}${sentence}, so ${holds ? "yes" : "no"}.`;
}

/** A turn of an ability. */
export function turnOf(
  ability: Ability,
  { question, wordings }: Asked,
  answer: string,
  slot: readonly string[],
): AskedTurn {
  return { question, answer, wordings, ability, letter: LETTER_OF[ability], slot };
}
