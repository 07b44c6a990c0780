import { FileError } from "../platform/index.ts";
import { HubError } from "./errors.ts";
import { pause } from "./pause.ts";
import type { RepoName } from "./repo-name.ts";
import type { HubSettings, HubToken, PullEvent } from "./settings.ts";

/** What asking the hub about one repo takes. */
export interface Asking {
  readonly name: RepoName;
  readonly hub: HubSettings;
  readonly token: HubToken | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: (event: PullEvent) => void;
  /** Milliseconds before the second try; each further pause is twice as long. */
  readonly retryDelay: number;
}

/** What may go well the next time: an overloaded hub, a connection that was cut. */
class PassingTrouble extends Error {
  override name = "PassingTrouble";
  /** Milliseconds that the hub asks to wait. */
  readonly pause: number;

  constructor(message: string, pauseAsked = 0) {
    super(message);
    this.pause = pauseAsked;
  }
}

const SET_TOKEN = "set HF_TOKEN (or `hf auth login`)";
const TRIES = 5;
const LONGEST_PAUSE = 60_000;

/**
 * Asks the hub. The token goes to the hub's own address only: neither a redirection nor a page's link to the next
 * one takes it elsewhere.
 *
 * @throws HubError where the hub refuses; what may pass is for {@link patiently}
 */
export async function ask(asking: Asking, url: string, headers: Headers): Promise<Response> {
  const { hub, token, signal } = asking;
  if (token !== undefined && new URL(url).origin === new URL(hub.endpoint).origin) {
    headers.set("Authorization", `Bearer ${token.token}`);
  }
  const response = await fetch(url, { headers, signal: signal ?? null }).catch((error: unknown) => {
    throw troubleOf(asking, error);
  });
  if (response.ok) return response;
  await response.body?.cancel();
  if (response.status === 408 || response.status === 429 || response.status >= 500) {
    const seconds = Number(response.headers.get("retry-after") ?? 0);
    throw new PassingTrouble(
      `status ${response.status}`,
      Number.isFinite(seconds) ? seconds * 1000 : undefined,
    );
  }
  throw refusal(asking, response);
}

/** What went wrong while an answer was read: the caller's own wish, an error of ours, or something that may pass. */
export function troubleOf({ signal }: Asking, error: unknown): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof HubError || error instanceof FileError || error instanceof PassingTrouble)
    return error;
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return new PassingTrouble(cause instanceof Error ? cause.message : message);
}

/** Fewer bytes came than were announced. */
export function cutShort(bytes: number, size: number): Error {
  return new PassingTrouble(`a connection that ended after ${bytes} of ${size} bytes`);
}

/**
 * Does something again while its trouble may pass, after pauses of growing length.
 *
 * @param achieved grows with what has been reached; as long as it does, the tries are counted anew
 */
export async function patiently<T>(
  asking: Asking,
  work: () => Promise<T>,
  achieved: () => number = () => 0,
): Promise<T> {
  let tries = 0;
  let before = achieved();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PassingTrouble)) throw error;
      tries = achieved() > before ? 1 : tries + 1;
      before = achieved();
      if (tries === TRIES) throw unreachable(asking, error);
      const delay = Math.min(Math.max(error.pause, asking.retryDelay * 2 ** (tries - 1)), LONGEST_PAUSE);
      asking.onEvent({ kind: "retry", reason: error.message, seconds: delay / 1000 });
      await pause(delay, asking.signal);
    }
  }
}

function unreachable({ hub }: Asking, trouble: Error): HubError {
  return new HubError(
    `${hub.endpoint}: must answer, got ${trouble.message} (tried ${TRIES} times); what has come is kept, try again later`,
    { cause: trouble },
  );
}

function refusal({ name: { repo, revision }, hub, token }: Asking, response: Response): HubError {
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
