import { ApiError } from "./errors.ts";

/** Who may ask. */
export interface AccessOptions {
  /** What every request must name, as `Authorization: Bearer KEY`, or as the password of a browser. Absent: nothing. */
  readonly apiKey?: string | undefined;
  /**
   * Names under which the server may be asked, without port. A server that only its own machine reaches names them, so
   * that no page can reach it by a name that leads to 127.0.0.1. Absent: any.
   */
  readonly hosts?: readonly string[] | undefined;
}

/** Whether a request may be answered at all. */
export type CheckAccess = (request: Request) => Promise<void>;

/** @returns a check that throws ApiError 401 or 403 */
export function accessCheck({ apiKey, hosts }: AccessOptions): CheckAccess {
  const expected = apiKey === undefined ? undefined : digestOf(apiKey);
  return async (request) => {
    const { hostname } = new URL(request.url);
    if (hosts !== undefined && !hosts.includes(hostname)) {
      throw new ApiError(403, `this server is not called ${hostname}`, { code: "wrong_host" });
    }
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

/** What makes a browser ask for the key where the page itself is opened. */
export const askForKey = { "www-authenticate": 'Basic realm="owl: any name, the API key as password"' };

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

/** Compares digests in a time that does not depend on where they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
