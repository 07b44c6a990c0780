import type { GenerationSettings } from "../../generation/index.ts";
import type { Statistics } from "../statistics.ts";

/** A question, or several that count as one, with what is right. */
export interface BenchmarkItem {
  /** Unique in its set. */
  readonly id: string;
  /** What it has in common with other items, which are then right or wrong together: mostly its picture. */
  readonly group: string;
  /** What is right, for people to read. */
  readonly expected: string;
}

/**
 * What an answer was found to be: numbers and labels that the figures are made of. `value` is what the item is worth by
 * itself, 1 for right and 0 for wrong where there is nothing between.
 */
export type ItemScore = { readonly value: number } & Readonly<Record<string, number | string>>;

/** An automatic measure with questions of its own, in the file format in which it was published. */
export interface Benchmark<Item extends BenchmarkItem = BenchmarkItem> {
  /** What it is called on the command line. */
  readonly name: string;
  /** What it measures, in a sentence. */
  readonly description: string;
  /** Which files it reads and where its pictures lie. */
  readonly files: string;
  /** What follows every question, unless something else is given. */
  readonly instruction: string;
  /** How answers are made, unless something else is given. */
  readonly settings: Partial<GenerationSettings>;
  /**
   * All items of a directory, or of one file in it.
   *
   * @throws EvaluationError naming the file and everything in it that is not as it must be
   */
  read(data: string): Promise<readonly Item[]>;
  /** Paths or contents of the picture files that come before the question. */
  pictures(item: Item): readonly (string | Uint8Array)[];
  /** What is asked, each in a conversation of its own. */
  questions(item: Item, instruction: string): readonly string[];
  /** One score for each item; its answers are in the order of its questions. */
  score(items: readonly Item[], answers: readonly (readonly string[])[]): readonly ItemScore[];
  /** The figures of a whole set or of a sample drawn from it, the most important first. Shares are from 0 to 1. */
  figures(scores: readonly ItemScore[]): Statistics;
}

/** The question with its instruction on a line of its own. */
export function withInstruction(question: string, instruction: string): string {
  return [question, instruction].filter((part) => part !== "").join("\n");
}
