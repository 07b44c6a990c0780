/** The promise of a waiting item. */
interface Waiting<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Dynamic batching: items are enqueued one by one and worked on several at a time. Items that come while a batch is
 * running wait for the next one, in their order.
 */
export class BatchQueue<Item, Result> {
  readonly #take: (waiting: readonly Item[]) => readonly Item[];
  readonly #work: (batch: readonly Item[]) => Promise<readonly Result[]>;
  readonly #waiting = new Map<Item, Waiting<Result>>();
  #working: Promise<void> | undefined;

  /**
   * @param take the next batch: the first of the waiting items and, where they may go together, others
   * @param work the result of each item of a batch; when it fails, all of them do
   */
  constructor(
    take: (waiting: readonly Item[]) => readonly Item[],
    work: (batch: readonly Item[]) => Promise<readonly Result[]>,
  ) {
    this.#take = take;
    this.#work = work;
  }

  /**
   * The result of one item.
   *
   * @throws the signal's reason when it is aborted first; what the work throws
   */
  async run(item: Item, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    let giveUp = (): void => undefined;
    try {
      return await new Promise<Result>((resolve, reject) => {
        giveUp = () => {
          this.#waiting.delete(item);
          reject(signal.reason);
        };
        signal.addEventListener("abort", giveUp);
        this.#waiting.set(item, { resolve, reject });
        this.#working ??= this.#workThrough();
      });
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Resolves when no item waits or is worked on. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #workThrough(): Promise<void> {
    // Items of the same tick go together.
    await undefined;
    while (this.#waiting.size > 0) {
      const batch = this.#take([...this.#waiting.keys()]);
      const asked = batch.map((item) => this.#waiting.get(item));
      for (const item of batch) this.#waiting.delete(item);
      try {
        const results = await this.#work(batch);
        for (const [i, one] of asked.entries()) one?.resolve(results[i]);
      } catch (error) {
        for (const one of asked) one?.reject(error);
      }
    }
    this.#working = undefined;
  }
}
