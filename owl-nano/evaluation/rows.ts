import type { Picture } from "../pictures/drawn-scene.ts";

/** OwlEval's letters: instruction, visual, reading, knowledge, reasoning, conversation. */
export const LETTERS = {
  a: "instruction",
  b: "visual",
  c: "reading",
  d: "knowledge",
  e: "reasoning",
  f: "conversation",
} as const;

export type Letter = keyof typeof LETTERS;

/** One question of a row, and how its answer is scored. */
export interface ScoredTurn {
  readonly question: string;
  readonly answer: string;
  readonly ability: string;
  readonly letter: Letter;
  /** The words of the answer that decide, in their order. */
  readonly slot: readonly string[];
  /** The form in which the answer was ordered. */
  readonly form?: string | undefined;
  /** Words of which one must be said, where several are right. */
  readonly anyOf?: readonly string[] | undefined;
  /** The wordings behind the question, before names were filled in. */
  readonly wordings: readonly string[];
  /** How often a guess among the possible answers is right. */
  readonly chance: number;
}

/** A question, or a conversation that is asked turn by turn, each on the owl's own answers. */
export interface QuestionRow {
  readonly id: string;
  /** A row of the table. */
  readonly ability: string;
  readonly letter: Letter;
  /** What is held out: S1 … S9, or several of them. */
  readonly set: string;
  /** Files of the pictures, from the folder of the questions. */
  readonly pictures: readonly string[];
  /** The drawings in them: rows of one drawing are right or wrong together. */
  readonly drawings: readonly string[];
  /** Type families of their text. */
  readonly fonts: readonly string[];
  readonly turns: readonly ScoredTurn[];
}

/** Rows with their pictures. */
export interface QuestionSet {
  readonly name: string;
  readonly rows: readonly QuestionRow[];
  pictureOf(file: string): Picture;
}
