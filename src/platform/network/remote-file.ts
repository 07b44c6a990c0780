import { lookup } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP, type LookupFunction } from "node:net";

/** A remote file that may not or cannot be fetched. The message names the host as it was given and no address. */
export class RemoteFileError extends Error {
  override name = "RemoteFileError";
}

/** An address of a host. */
export interface HostAddress {
  readonly address: string;
  readonly family: number;
}

/** From where files may come, and how much of what. */
export interface RemoteFileOptions {
  /** Hosts that may be asked, as `example.org` or `example.org:8443`; no other is. */
  readonly hosts: readonly string[];
  /** Larger files are refused, by their header or when so much has come. */
  readonly maxBytes: number;
  /** Longest time for everything, redirects included. Default 15. */
  readonly seconds?: number | undefined;
  /** Most redirects, each of which is checked like a first address. Default 3. */
  readonly redirects?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Which addresses may be connected to. Default: those of the public internet, and nothing else is safe. */
  readonly isAllowedAddress?: ((address: string) => boolean) | undefined;
  /** All addresses of a name; asked once a request. Default: the system's resolver. */
  readonly resolve?: ((name: string) => Promise<readonly HostAddress[]>) | undefined;
  /** Certificates in place of the system's authorities, as PEM. */
  readonly authorities?: string | undefined;
}

/** What one request gave: the file, or where else it is. */
type Outcome = { readonly bytes: Uint8Array } | { readonly location: string };

/** `host` or `host:port` as URLs write it, or undefined where it is neither. */
export function normalisedHost(text: string): string | undefined {
  if (!/^[^\s/?#@\\]+$/.test(text) || !URL.canParse(`https://${text}`)) return undefined;
  return new URL(`https://${text}`).host;
}

/**
 * Fetches a file that a client named, safe from server-side request forgery: https alone, to hosts that are allowed by
 * name. The name is resolved once, every address it has must be allowed, and the connection goes to
 * an address that was checked. Redirects are checked in the same way.
 *
 * @throws RemoteFileError, or the signal's reason
 */
export async function fetchRemoteFile(address: string, options: RemoteFileOptions): Promise<Uint8Array> {
  const { seconds = 15, redirects = 3, signal } = options;
  const timeout = AbortSignal.timeout(1000 * seconds);
  const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    let url = checkedUrl(address, undefined, options);
    for (let left = redirects; ; left--) {
      const outcome = await fetchOnce(url, await checkedAddress(url, options, ends), options, ends);
      if ("bytes" in outcome) return outcome.bytes;
      if (left === 0) throw fileError(url, `at most ${redirects} redirects`, "more");
      url = checkedUrl(outcome.location, url, options);
    }
  } catch (error) {
    if (error instanceof RemoteFileError) throw error;
    signal?.throwIfAborted();
    if (timeout.aborted) {
      throw new RemoteFileError(`remote file: must come within ${seconds} seconds, got a slower one`);
    }
    throw new RemoteFileError("remote file: must be one that can be fetched, got a connection that failed", {
      cause: error,
    });
  }
}

function fileError(url: URL, must: string, got: string): RemoteFileError {
  return new RemoteFileError(`remote file from ${url.host}: must have ${must}, got ${got}`);
}

/** Parses once; what is parsed here is what is connected to. */
function checkedUrl(text: string, base: URL | undefined, { hosts }: RemoteFileOptions): URL {
  if (!URL.canParse(text, base))
    throw new RemoteFileError("remote file: must have a URL, got something else");
  const url = new URL(text, base);
  if (url.protocol !== "https:") {
    throw new RemoteFileError(`remote file: must have an https: URL, got one of ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "") throw fileError(url, "no user name in its URL", "one");
  const allowed = hosts.map((host) => normalisedHost(host));
  if (allowed.includes(url.host)) return url;
  throw new RemoteFileError(
    `remote file: must come from a host that the server allows, got ${url.host}; send it as a data: URL`,
  );
}

async function checkedAddress(url: URL, options: RemoteFileOptions, ends: AbortSignal): Promise<HostAddress> {
  const { isPublicAddress } = await import("./public-address.ts");
  const { isAllowedAddress = isPublicAddress, resolve = systemAddresses } = options;
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const family = isIP(name);
  const found = family === 0 ? await untilAborted(resolve(name), ends) : [{ address: name, family }];
  // One forbidden address among several would only need a second look-up to be reached.
  if (found.length > 0 && found.every(({ address }) => isAllowedAddress(address))) return found[0];
  throw fileError(url, "a public address", found.length === 0 ? "none" : "one that is not");
}

function systemAddresses(name: string): Promise<readonly HostAddress[]> {
  return lookup(name, { all: true });
}

async function fetchOnce(
  url: URL,
  { address, family }: HostAddress,
  { maxBytes, authorities }: RemoteFileOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const pinned: LookupFunction = (_, { all }, done) =>
    all ? done(null, [{ address, family }]) : done(null, address, family);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asking = request(url, {
      agent: false,
      lookup: pinned,
      signal,
      ...(authorities !== undefined && { ca: authorities }),
      headers: { accept: "image/*, video/*", "accept-encoding": "identity", "user-agent": "mplug-owl" },
    });
    asking.on("response", resolve).on("error", reject).end();
  });
  try {
    return await readOutcome(url, response, maxBytes);
  } finally {
    response.destroy();
  }
}

async function readOutcome(url: URL, response: IncomingMessage, maxBytes: number): Promise<Outcome> {
  const { statusCode = 0, headers } = response;
  if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
    return { location: headers.location };
  }
  if (statusCode !== 200) throw fileError(url, "the status 200", `${statusCode}`);
  if ((headers["content-encoding"] ?? "identity") !== "identity") {
    throw fileError(url, "no content encoding", "a compressed one");
  }
  const tooLarge = (): RemoteFileError => fileError(url, `at most ${maxBytes} bytes`, "more");
  if (Number(headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    length += part.byteLength;
    if (length > maxBytes) throw tooLarge();
    parts.push(part);
  }
  return { bytes: new Uint8Array(Buffer.concat(parts)) };
}

/** A promise that fails as soon as the signal is aborted: a resolver cannot be stopped. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
