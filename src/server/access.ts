import { ApiError } from "./errors.ts";

/** Options of access control. */
export interface AccessOptions {
  /** What every request must name, as `Authorization: Bearer KEY`, or as the password of a browser. Absent: nothing. */
  readonly apiKey?: string | undefined;
  /**
   * Names under which the server may be asked, without port. A server that only its own machine reaches names them, so
   * that no page can reach it by a name that leads to 127.0.0.1; behind a proxy also the name that this is reached by.
   * What counts is the Host header alone, never what a proxy says that it was. Absent: any.
   */
  readonly hosts?: readonly string[] | undefined;
}

/** Checks whether a request may be answered; throws an ApiError where not. */
export type CheckAccess = (request: Request) => Promise<void>;

/**
 * @returns a check that throws ApiError 401 or 403
 * @throws RangeError where one of the hosts is no name
 */
export function accessCheck({ apiKey, hosts }: AccessOptions): CheckAccess {
  const expected = apiKey === undefined ? undefined : digestOf(apiKey);
  const names = hosts && new Set(hosts.map(requiredName));
  return async (request) => {
    const { hostname } = new URL(request.url);
    if (names !== undefined && !names.has(withoutDot(hostname))) throw wrongHost(hostname);
    if (expected === undefined) return;
    const given = keyOf(request.headers.get("authorization") ?? "");
    if (given !== undefined && isSame(await digestOf(given), await expected)) return;
    throw new ApiError(
      401,
      "the API key must be given as `Authorization: Bearer KEY`, and be the right one",
      {
        code: "invalid_api_key",
      },
    );
  };
}

/**
 * A host's name as URLs have it: in small letters, without the dot that a full name may end with, IPv6 in brackets.
 * Undefined where a text is no name, but a URL, a name with a port, or a pattern.
 */
export function hostName(text: string): string | undefined {
  const name = /^[\da-f:.]*:[\da-f:.]*:[\da-f:.]*$/i.test(text) ? `[${text}]` : text;
  if (!/^([^\s/?#@\\:*[\]]+|\[[^\s\]]+\])$/.test(name) || !URL.canParse(`http://${name}`)) return undefined;
  return withoutDot(new URL(`http://${name}`).hostname);
}

/** Only a full name, of several words, may end with a dot. */
const withoutDot = (hostname: string): string => hostname.replace(/(\..*)\.$/, "$1");

function requiredName(host: string): string {
  const name = hostName(host);
  if (name !== undefined) return name;
  throw new RangeError(`hosts: must be names without port, as owl.example, got ${JSON.stringify(host)}`);
}

function wrongHost(hostname: string): ApiError {
  const name = hostname.length > 80 ? `${hostname.slice(0, 80)}…` : hostname;
  const message = `this server does not answer to the name ${name}; whoever runs it can allow that: owl serve --allow-host ${name}, or the option hosts of createServer`;
  return new ApiError(403, message, { code: "wrong_host" });
}

/** The header that makes a browser ask for the key when the page itself is opened. */
export const basicChallenge = { "www-authenticate": 'Basic realm="owl: any name, the API key as password"' };

function keyOf(authorization: string): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +(.+)$/i.exec(authorization.trim()) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  try {
    const text = new TextDecoder().decode(Uint8Array.from(atob(value), (one) => one.charCodeAt(0)));
    return text.slice(text.indexOf(":") + 1);
  } catch {
    return undefined;
  }
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Compares digests in constant time. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
