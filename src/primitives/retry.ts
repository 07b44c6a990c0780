import { sleep } from "./sleep.ts";

/** An error that may not come again: an overloaded server, a connection that was cut. */
export class TransientError extends Error {
  override name = "TransientError";
  /** Milliseconds that the server asks to wait before the next attempt; 0 where it does not say. */
  readonly retryAfter: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfter?: number } = {}) {
    super(message, options);
    this.retryAfter = options.retryAfter ?? 0;
  }
}

export interface RetryOptions {
  /** Attempts before giving up. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; each further pause is twice as long. */
  readonly delay: number;
  readonly signal?: AbortSignal | null | undefined;
  /** Called before every pause. */
  readonly onRetry?: (error: TransientError, milliseconds: number) => void;
  /** A number that grows with what has been reached: an attempt that made it grow is counted as the first. */
  readonly progress?: () => number;
}

const longestPause = 60_000;

/**
 * Repeats work that fails with a {@link TransientError}, with exponential back-off, or after as long as the server asks
 * for; a minute at most. Other errors are thrown at once.
 *
 * @throws the TransientError of the last attempt; the signal's reason when it is aborted during a pause
 */
export async function retry<T>(
  work: () => Promise<T>,
  { attempts, delay, signal, onRetry, progress = () => 0 }: RetryOptions,
): Promise<T> {
  let failed = 0;
  let reached = progress();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failed = progress() > reached ? 1 : failed + 1;
      reached = progress();
      if (failed >= attempts) throw error;
      const pause = Math.min(Math.max(error.retryAfter, delay * 2 ** (failed - 1)), longestPause);
      onRetry?.(error, pause);
      await sleep(pause, signal);
    }
  }
}

/** Whether a status of HTTP says that the same request may be answered later: too slow, too many, or the server's fault. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * Milliseconds that a response asks to wait: `retry-after-ms`, as OpenAI's servers send it, else `retry-after` in seconds
 * or as a date (RFC 9110, section 10.2.3). 0 where it says nothing that can be read.
 */
export function retryAfterOf(headers: Headers, now = Date.now()): number {
  const milliseconds = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return 1000 * Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
