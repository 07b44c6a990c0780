import { EvaluationError, RefusedError } from "./error.ts";

export interface PatientFetchOptions extends RequestInit {
  /** Requests before giving up. Default 4. */
  readonly tries?: number | undefined;
  /** Milliseconds before the second request; each further pause is twice as long. Default 1,000. */
  readonly retryDelay?: number | undefined;
}

const LONGEST_PAUSE = 60_000;

/**
 * What `read` makes of a server's answer. Where the connection fails, or the server says that it is too busy (408, 429
 * and 5xx), it is asked again after pauses of growing length, or as long as it asks to wait.
 *
 * @throws RefusedError where the server refuses; EvaluationError where it still fails; the signal's reason when it is
 *   aborted
 */
export async function patientFetch<T>(
  url: string,
  options: PatientFetchOptions,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const { tries = 4, retryDelay = 1000, ...request } = options;
  for (let attempt = 1; ; attempt++) {
    const outcome = await once(url, request, read);
    if ("value" in outcome) return outcome.value;
    request.signal?.throwIfAborted();
    if (!outcome.mayPass || attempt === tries) {
      const tried = attempt > 1 ? ` (tried ${attempt} times)` : "";
      const message = `${url}: must answer, got ${outcome.trouble}${tried}`;
      if (outcome.status !== undefined) throw new RefusedError(message, outcome.status);
      throw new EvaluationError(message, { cause: outcome.cause });
    }
    const delay = Math.max(outcome.pause, retryDelay * 2 ** (attempt - 1));
    await pause(Math.min(delay, LONGEST_PAUSE), request.signal);
  }
}

interface Trouble {
  readonly trouble: string;
  readonly mayPass: boolean;
  /** Of an answer that says so. */
  readonly status?: number;
  /** Milliseconds that the server asks to wait. */
  readonly pause: number;
  readonly cause?: unknown;
}

async function once<T>(
  url: string,
  request: RequestInit,
  read: (response: Response) => Promise<T>,
): Promise<{ readonly value: T } | Trouble> {
  try {
    const response = await fetch(url, request);
    if (response.ok) return { value: await read(response) };
    const said = (await response.text()).trim().slice(0, 300);
    const { status, headers } = response;
    const seconds = Number(headers.get("retry-after") ?? 0);
    return {
      trouble: `status ${status}${said === "" ? "" : ` (${said})`}`,
      mayPass: status === 408 || status === 429 || status >= 500,
      status,
      pause: Number.isFinite(seconds) ? seconds * 1000 : 0,
    };
  } catch (error) {
    if (error instanceof EvaluationError) throw error;
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    return {
      trouble: cause instanceof Error ? cause.message : message,
      mayPass: true,
      pause: 0,
      cause: error,
    };
  }
}

function pause(milliseconds: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
