import type { GenerationSettings } from "../../generation/index.ts";
import type { Statistics } from "../statistics.ts";

/** A question, or several that count as one, with the expected answer. */
export interface BenchmarkItem {
  /** Unique in its set. */
  readonly id: string;
  /** Items of one group (mostly: about one picture) are right or wrong together; the bootstrap resamples whole groups. */
  readonly group: string;
  /** The expected answer, for people to read. */
  readonly expected: string;
}

/**
 * The score of an answer: numbers and labels that the figures are computed from. `value` is the item's own score, 1 for right
 * and 0 for wrong where there is nothing between.
 */
export type ItemScore = { readonly value: number } & Readonly<Record<string, number | string>>;

/** An automatic measure (a benchmark or perplexity): what the command line lists, and how its figures (metrics) are computed. */
export interface Measure {
  /** Its name on the command line. */
  readonly name: string;
  /** What it measures, in a sentence. */
  readonly description: string;
  /** Which files it reads and where its pictures lie. */
  readonly files: string;
  /** The figures of a whole set or of a sample drawn from it, the most important first. Shares are from 0 to 1. */
  figures(scores: readonly ItemScore[]): Statistics;
}

/** A measure that asks questions and scores the answers, read from the files in which it was published. */
export interface Benchmark<Item extends BenchmarkItem = BenchmarkItem> extends Measure {
  /** The instruction after every question, unless another one is given. */
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
  /** The questions, each asked in a conversation of its own. */
  questions(item: Item, instruction: string): readonly string[];
  /** One score for each item; its answers are in the order of its questions. */
  score(items: readonly Item[], answers: readonly (readonly string[])[]): readonly ItemScore[];
}

/** The question with its instruction on a line of its own. */
export function withInstruction(question: string, instruction: string): string {
  return [question, instruction].filter((part) => part !== "").join("\n");
}
