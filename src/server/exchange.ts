import { ApiError, toApiError } from "./errors.ts";
import { tookTooLong } from "./limits.ts";

/** The number of a reply that nobody waits for, as servers write it in their logs. */
const clientGone = 499;

/**
 * One request on its way to the end of its reply. Its signal is aborted when whoever asked has gone away, when the
 * time is over, or when the server closes; the reason is always an ApiError.
 */
export class Exchange {
  readonly id = crypto.randomUUID();
  readonly #stop = new AbortController();
  readonly #atEnd: (() => void)[] = [];
  readonly #onInternal: (id: string, error: unknown) => void;
  #isEnded = false;

  constructor(
    client: AbortSignal,
    seconds: number,
    onInternal: (id: string, error: unknown) => void = () => undefined,
  ) {
    this.#onInternal = onInternal;
    const late = setTimeout(() => this.abort(tookTooLong(seconds)), 1000 * seconds);
    const gone = (): void => this.leave();
    if (client.aborted) gone();
    client.addEventListener("abort", gone, { once: true });
    this.atEnd(() => {
      clearTimeout(late);
      client.removeEventListener("abort", gone);
    });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Ends the work for a reason that is told. */
  abort(reason: ApiError): void {
    this.#stop.abort(reason);
  }

  /** Whoever asked has gone away. */
  leave(): void {
    this.abort(new ApiError(clientGone, "whoever asked has gone away"));
  }

  /** Calls this once when the reply is over, however it ended; now if it is. */
  atEnd(action: () => void): void {
    if (this.#isEnded) action();
    else this.#atEnd.push(action);
  }

  /** The reply is over. */
  end(): void {
    this.#isEnded = true;
    for (const action of this.#atEnd.splice(0)) action();
  }

  /** What whoever asked is told of an error; errors of the server itself are logged. */
  readonly refusal = (error: unknown): ApiError => toApiError(error, this.#onInternal);

  /** What the work gives, or the signal's reason as soon as it is aborted: some work cannot be stopped. */
  race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }
}
