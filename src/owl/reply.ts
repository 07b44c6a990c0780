import type { Answer, ChatAnswer } from "../generation/index.ts";

/**
 * An answer on its way: iterate it for pieces of text as they come, or await {@link text} or {@link answer}.
 * Nothing is computed before it is asked for.
 */
export class Reply<Whole extends Answer = ChatAnswer> implements AsyncIterable<string> {
  readonly #stream: AsyncGenerator<string, Whole>;
  #answer: Whole | undefined;

  constructor(stream: AsyncGenerator<string, Whole>) {
    this.#stream = stream;
  }

  /** The pieces of text; together they are the whole answer. Can be iterated once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    this.#answer = yield* this.#stream;
  }

  /** The whole answer, once it is complete: text, tokens, and why it ended (`"length"`: it was cut). */
  async answer(): Promise<Whole> {
    if (this.#answer === undefined) for await (const _ of this);
    if (this.#answer === undefined)
      throw new Error("reply: the whole answer is there only if iterated to its end");
    return this.#answer;
  }

  /** The whole text, once it is complete. */
  async text(): Promise<string> {
    return (await this.answer()).text;
  }
}
