import { ApiError, toApiError } from "./errors.ts";
import { timeoutError } from "./limits.ts";

/** The status of a response that no client waits for, as nginx writes it in its logs. */
const clientClosedRequest = 499;

/**
 * What belongs to one request from its arrival to the end of its response. Its signal is aborted when the client has
 * disconnected, when the time limit is reached, or when the server closes; the reason is always an ApiError.
 */
export class RequestContext {
  readonly id = crypto.randomUUID();
  readonly #stop = new AbortController();
  readonly #endActions: (() => void)[] = [];
  readonly #onInternal: (id: string, error: unknown) => void;
  #isEnded = false;

  constructor(
    client: AbortSignal,
    seconds: number,
    onInternal: (id: string, error: unknown) => void = () => undefined,
  ) {
    this.#onInternal = onInternal;
    const late = setTimeout(() => this.abort(timeoutError(seconds)), 1000 * seconds);
    const gone = (): void => this.clientLeft();
    if (client.aborted) gone();
    client.addEventListener("abort", gone, { once: true });
    this.onEnd(() => {
      clearTimeout(late);
      client.removeEventListener("abort", gone);
    });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Ends the work; the client gets the reason. */
  abort(reason: ApiError): void {
    this.#stop.abort(reason);
  }

  /** The client has disconnected. */
  clientLeft(): void {
    this.abort(new ApiError(clientClosedRequest, "whoever asked has gone away"));
  }

  /** Calls an action once when the response has ended, however it ended; at once if it has. */
  onEnd(action: () => void): void {
    if (this.#isEnded) action();
    else this.#endActions.push(action);
  }

  /** The response has ended. */
  end(): void {
    this.#isEnded = true;
    for (const action of this.#endActions.splice(0)) action();
  }

  /** The error that the client gets for any error; internal ones are logged. */
  readonly toApiError = (error: unknown): ApiError => toApiError(error, this.#onInternal);

  /** The result of some work, or the signal's reason as soon as it is aborted, for work that has no way to be stopped. */
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
