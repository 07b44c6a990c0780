/** Lets so many work at once; the others wait in order. */
export class Turns {
  readonly #limit: number;
  #taken = 0;
  readonly #queue = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many are at work. */
  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Waits for a turn, works, and gives the turn to the next.
   *
   * @throws the signal's reason when it is aborted before the work begins; what the work throws
   */
  async run<T>(work: () => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#taken < this.#limit) this.#taken++;
    else await this.#handedOver(signal);
    try {
      return await work();
    } finally {
      const next = this.#queue.values().next().value;
      if (next === undefined) this.#taken--;
      else next();
    }
  }

  #handedOver(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#queue.delete(begin);
        signal?.removeEventListener("abort", giveUp);
      };
      const begin = (): void => {
        leave();
        resolve();
      };
      const giveUp = (): void => {
        leave();
        reject(signal?.reason);
      };
      this.#queue.add(begin);
      signal?.addEventListener("abort", giveUp);
    });
  }
}
