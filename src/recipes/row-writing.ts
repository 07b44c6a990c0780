import { type PromptTemplate, type RowText, systemPromptOf } from "../prompt/index.ts";

/** What stands before the first turn of some rows. */
export interface Beginning {
  readonly words: string;
  /** How many rows begin so. */
  readonly count: number;
  /** The name of the first of them. */
  readonly first: string;
}

/** How the rows of a file are written. */
export interface WritingFacts {
  readonly rows: number;
  /** The different beginnings, in their order; of more than {@link mostBeginnings} the first ones. */
  readonly beginnings: readonly Beginning[];
  /** Rows in which nobody says anything. */
  readonly withoutTurns: number;
  /** Rows of text in which a person and the assistant speak. */
  readonly withTurns: number;
}

/** So many different beginnings of rows are told apart. */
export const mostBeginnings = 1000;

/** Gathers row by row how the rows of a file are written. */
export class RowWriting implements WritingFacts {
  rows = 0;
  withoutTurns = 0;
  withTurns = 0;
  readonly #template: PromptTemplate;
  readonly #beginnings = new Map<string, Beginning>();

  /** @param template how conversations are written */
  constructor(template: PromptTemplate) {
    this.#template = template;
  }

  get beginnings(): readonly Beginning[] {
    return [...this.#beginnings.values()];
  }

  /** @param name the row's name, for errors */
  add(text: RowText, name: string): void {
    const { user, assistant } = this.#template;
    this.rows++;
    if (
      typeof text === "string" &&
      `\n${text}`.includes(`\n${user}`) &&
      `\n${text}`.includes(`\n${assistant}`)
    )
      this.withTurns++;
    const words = systemPromptOf(text, this.#template);
    if (words === undefined) {
      this.withoutTurns++;
      return;
    }
    const known = this.#beginnings.get(words);
    if (known === undefined && this.#beginnings.size === mostBeginnings) return;
    this.#beginnings.set(words, { words, count: (known?.count ?? 0) + 1, first: known?.first ?? name });
  }
}
