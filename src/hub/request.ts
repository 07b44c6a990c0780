import { FileError } from "../platform/index.ts";
import { isTransientStatus, retry, retryAfterOf, TransientError } from "../primitives/index.ts";
import { HubError } from "./errors.ts";
import { proxyAdvice } from "./proxy.ts";
import type { RepoName } from "./repo-name.ts";
import type { HubSettings, HubToken, PullEvent } from "./settings.ts";

/** The hub, the repo and the options that all requests of one call share. */
export interface HubClient {
  readonly name: RepoName;
  readonly hub: HubSettings;
  readonly token: HubToken | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: (event: PullEvent) => void;
  /** Milliseconds before the second attempt; each further pause is twice as long. */
  readonly retryDelay: number;
}

const SET_TOKEN = "set HF_TOKEN (or `hf auth login`)";
const ATTEMPTS = 5;

/**
 * Sends a request to the hub. The token is sent to the hub's own origin only, neither to the target of a redirect nor to that
 * of a link to the next page.
 *
 * @throws HubError where the hub refuses; TransientError where it may answer later; for {@link withRetries}
 */
export async function fetchFromHub(client: HubClient, url: string, headers: Headers): Promise<Response> {
  const { hub, token, signal } = client;
  if (token !== undefined && new URL(url).origin === new URL(hub.endpoint).origin) {
    headers.set("Authorization", `Bearer ${token.token}`);
  }
  const response = await fetch(url, { headers, signal: signal ?? null }).catch((error: unknown) => {
    throw networkError(client, error);
  });
  if (response.ok) return response;
  await response.body?.cancel();
  if (isTransientStatus(response.status)) {
    throw new TransientError(`status ${response.status}`, { retryAfter: retryAfterOf(response.headers) });
  }
  throw rejection(client, response);
}

/**
 * An error of sending a request or reading its response, as {@link withRetries} wants it: the signal's reason and errors of
 * this package stay; whatever else the network says may be transient.
 */
export function networkError({ signal }: HubClient, error: unknown): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof HubError || error instanceof FileError || error instanceof TransientError)
    return error;
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return new TransientError(cause instanceof Error ? cause.message : message);
}

/** The error for a body that ended before its announced length. */
export function cutShort(bytes: number, size: number): Error {
  return new TransientError(`a connection that ended after ${bytes} of ${size} bytes`);
}

/**
 * Repeats work while its errors are transient, and reports every pause.
 *
 * @param progress grows with what has been reached; as long as it does, the attempts are counted anew
 * @throws HubError where the hub still does not answer
 */
export async function withRetries<T>(
  client: HubClient,
  work: () => Promise<T>,
  progress?: () => number,
): Promise<T> {
  try {
    return await retry(work, {
      attempts: ATTEMPTS,
      delay: client.retryDelay,
      signal: client.signal,
      onRetry: ({ message }, pause) =>
        client.onEvent({ kind: "retry", reason: message, seconds: pause / 1000 }),
      ...(progress && { progress }),
    });
  } catch (error) {
    throw error instanceof TransientError ? unreachable(client, error) : error;
  }
}

function unreachable({ hub }: HubClient, error: Error): HubError {
  return new HubError(
    `${hub.endpoint}: must answer, got ${error.message} (tried ${ATTEMPTS} times); what has come is kept, try again later${proxyAdvice(hub.endpoint)}`,
    { cause: error },
  );
}

function rejection({ name: { repo, revision }, hub, token }: HubClient, response: Response): HubError {
  const { status, headers } = response;
  const code = headers.get("x-error-code");
  const said = headers.get("x-error-message")?.slice(0, 200);
  const got = `got status ${status}${said ? ` ("${said}")` : ""}`;
  if (code === "GatedRepo" || status === 403) {
    return new HubError(
      `${repo}: must be open to you, ${got}; accept its conditions at ${hub.endpoint}/${repo} and ${token === undefined ? SET_TOKEN : `take a token that may read it (${token.from} was sent)`}`,
    );
  }
  if (status === 401) {
    const next = token === undefined ? `${SET_TOKEN} if it is private` : `check the token of ${token.from}`;
    return new HubError(`${repo}: must be a repo that you may read, ${got}; check the name, ${next}`);
  }
  if (code === "RevisionNotFound") {
    return new HubError(
      `${repo}: must have the revision ${revision} (a branch, a tag or a commit), ${got}; ${hub.endpoint}/${repo}/tree/main lists them`,
    );
  }
  if (status === 404) {
    return new HubError(
      `${repo}: must be a model repo of ${hub.endpoint}, ${got}; check the name, and ${token === undefined ? `${SET_TOKEN} if it is private` : `whether the token of ${token.from} may read it`}`,
    );
  }
  return new HubError(`${response.url}: must be sent, ${got}; try again later`);
}
