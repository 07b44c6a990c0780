import { commit, createBranch, createRepo, HubApiError, modelInfo } from "@huggingface/hub";
import { fileUrl, joinPath } from "../platform/index.ts";
import { HubError } from "./errors.ts";
import { proxyAdvice } from "./proxy.ts";
import type { RepoName } from "./repo-name.ts";
import type { HubSettings, HubToken } from "./settings.ts";

/** The hub, the repo and the token of one push. */
export interface PushClient {
  readonly name: RepoName;
  readonly hub: HubSettings;
  readonly token: HubToken;
  readonly signal: AbortSignal | undefined;
  /** Is told the bytes of each part of a large file that was sent. */
  readonly onBytes: (bytes: number) => void;
}

/** What the hub's library is told in every call. The token goes to the hub alone, not to the storage that it names. */
function request({ hub, token, signal, onBytes }: PushClient) {
  const send: typeof fetch = async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const headers = new Headers(init?.headers ?? {});
    headers.delete("Authorization");
    if (new URL(address).origin === new URL(hub.endpoint).origin) {
      headers.set("Authorization", `Bearer ${token.token}`);
    }
    const response = await fetch(address, { ...init, headers, signal: init?.signal ?? signal ?? null });
    if (init?.method === "PUT" && response.ok && init.body instanceof Blob) onBytes(init.body.size);
    return response;
  };
  return { hubUrl: hub.endpoint, fetch: send, accessToken: token.token };
}

/** The library's calls with errors that say what to do. */
async function asked<T>(client: PushClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (client.signal?.aborted) throw client.signal.reason;
    if (error instanceof HubError) throw error;
    throw rejection(client, error);
  }
}

function rejection({ name: { repo }, hub, token }: PushClient, error: unknown): HubError {
  if (!(error instanceof HubApiError)) {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const reason = cause instanceof Error ? cause.message : message;
    return new HubError(
      `${hub.endpoint}: must take ${repo}, got ${reason}; the same command goes on${proxyAdvice(hub.endpoint)}`,
      {
        cause: error,
      },
    );
  }
  const got = `got status ${error.statusCode} ("${error.message.split(". URL:")[0].slice(0, 200)}")`;
  const next = [401, 403].includes(error.statusCode)
    ? `take a token that may write there (that of ${token.from} was sent)`
    : "the same command goes on";
  return new HubError(`${repo}: must take what is pushed, ${got}; ${next}`, { cause: error });
}

const isMissing = (error: unknown): boolean =>
  error instanceof HubApiError && [401, 404].includes(error.statusCode);

/**
 * Makes the repo and its branch where they are not there.
 *
 * @param isPrivate whether nobody else may read it
 * @throws HubError where it is there and others may read it although it should be private
 */
export async function prepareRepo(client: PushClient, isPrivate: boolean): Promise<"made" | "found"> {
  const { repo, revision } = client.name;
  const designation = { type: "model", name: repo } as const;
  const shared = request(client);
  const known = await asked(client, () =>
    modelInfo({ name: repo, ...shared }).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    }),
  );
  if (known === undefined) {
    const visibility = isPrivate ? ("private" as const) : ("public" as const);
    await asked(client, () => createRepo({ repo: designation, visibility, ...shared }));
  } else if (isPrivate && !known.private) {
    throw new HubError(
      `${repo}: must be private for --private, got one that everybody reads; change it at ${client.hub.endpoint}/${repo}/settings, or leave --private out (nothing was sent)`,
    );
  }
  if (revision !== "main") {
    await asked(client, () =>
      modelInfo({ name: repo, revision, ...shared }).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
        return createBranch({ repo: designation, branch: revision, ...shared });
      }),
    );
  }
  return known === undefined ? "made" : "found";
}

/** Files of a directory, and texts, by their paths in the repo, as one commit. Returns its checksum. */
export async function sendCommit(
  client: PushClient,
  directory: string,
  paths: readonly string[],
  texts: Readonly<Record<string, string>>,
): Promise<string> {
  const { repo, revision } = client.name;
  const operations = [
    ...paths.map((path) => ({ path, content: fileUrl(joinPath(directory, path)) })),
    ...Object.entries(texts).map(([path, text]) => ({ path, content: new Blob([text]) })),
  ].map((file) => ({ operation: "addOrUpdate" as const, ...file }));
  const sent = await asked(client, () =>
    commit({
      repo: { type: "model", name: repo },
      title: `Upload a model with owl push`,
      branch: revision,
      operations,
      // Plain requests to the storage that the hub names, as they are fetched.
      useXet: false,
      ...(client.signal && { abortSignal: client.signal }),
      ...request(client),
    }),
  );
  if (sent === undefined) throw new HubError(`${repo}: must answer with its new commit, got none`);
  return sent.commit.oid;
}
