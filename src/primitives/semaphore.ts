/** Lets at most so many tasks run at once; the others wait in the order in which they came. With a limit of 1, a mutex. */
export class Semaphore {
  readonly #limit: number;
  #running = 0;
  readonly #queue = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many tasks are running. */
  get running(): number {
    return this.#running;
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Runs a task as soon as fewer than the limit are running.
   *
   * @throws the signal's reason when it is aborted before the task begins; what the task throws
   */
  async run<T>(task: () => Promise<T> | T, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.#limit) this.#running++;
    else await this.#handedOver(signal);
    try {
      return await task();
    } finally {
      // A task that waits takes this one's permit over, so that nobody who comes later overtakes it.
      const next = this.#queue.values().next().value;
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #handedOver(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#queue.delete(begin);
        signal?.removeEventListener("abort", abort);
      };
      const begin = (): void => {
        leave();
        resolve();
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason);
      };
      this.#queue.add(begin);
      signal?.addEventListener("abort", abort);
    });
  }
}
