import { isTransientStatus, retry, retryAfterOf, TransientError } from "../primitives/index.ts";
import { EvaluationError, RefusedError } from "./error.ts";

export interface FetchWithRetryOptions extends RequestInit {
  /** Requests before giving up. Default 4. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second request; each further pause is twice as long. Default 1,000. */
  readonly retryDelay?: number | undefined;
}

/** A response with a status other than 2xx that may be another one the next time. */
class TransientResponse extends TransientError {
  readonly status: number;

  constructor(message: string, response: Response) {
    super(message, { retryAfter: retryAfterOf(response.headers) });
    this.status = response.status;
  }
}

/**
 * What `read` makes of a server's response. Where the connection fails, or the server says that it is too busy (408, 429
 * and 5xx), it is asked again with exponential back-off, or after as long as it asks to wait.
 *
 * @throws RefusedError where the server refuses; EvaluationError where it still fails; the signal's reason when it is
 *   aborted
 */
export async function fetchWithRetry<T>(
  url: string,
  options: FetchWithRetryOptions,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const { attempts = 4, retryDelay = 1000, ...request } = options;
  let attempt = 0;
  const failure = (got: string): string =>
    `${url}: must answer, got ${got}${attempt > 1 ? ` (tried ${attempt} times)` : ""}`;
  const once = async (): Promise<T> => {
    attempt++;
    try {
      const response = await fetch(url, request);
      if (response.ok) return await read(response);
      const body = (await response.text()).trim().slice(0, 300);
      const got = `status ${response.status}${body === "" ? "" : ` (${body})`}`;
      if (isTransientStatus(response.status)) throw new TransientResponse(got, response);
      throw new RefusedError(failure(got), response.status);
    } catch (error) {
      if (error instanceof EvaluationError) throw error;
      request.signal?.throwIfAborted();
      if (error instanceof TransientError) throw error;
      const { message, cause } = error instanceof Error ? error : new Error(String(error));
      throw new TransientError(cause instanceof Error ? cause.message : message, { cause: error });
    }
  };
  try {
    return await retry(once, { attempts, delay: retryDelay, signal: request.signal });
  } catch (error) {
    if (error instanceof TransientResponse) throw new RefusedError(failure(error.message), error.status);
    if (error instanceof TransientError) {
      throw new EvaluationError(failure(error.message), { cause: error.cause });
    }
    throw error;
  }
}
