import { FileError } from "../files/file-error.ts";
import { shortened } from "../text/shortened.ts";
import { bytesOfDataUrl } from "./data-url.ts";

export interface FetchOptions {
  /** Default 256 MiB. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes behind an `http:`, `https:` or `data:` URL.
 *
 * @throws FileError where they cannot be had, or are more than `maxBytes`; the signal's reason
 */
export async function fetchBytes(
  url: URL,
  { maxBytes = 2 ** 28, signal }: FetchOptions = {},
): Promise<Uint8Array> {
  const where = url.protocol === "data:" ? "data: URL" : shortened(url.href);
  const failed = (got: string, cause?: unknown): FileError =>
    new FileError(`${where}: must be a file that can be fetched, got ${got}`, { cause });
  if (url.protocol === "data:") {
    const bytes = bytesOfDataUrl(url.href);
    if (bytes.byteLength > maxBytes) throw failed(`more than ${maxBytes} bytes`);
    return bytes;
  }
  const response = await fetch(url, { signal: signal ?? null }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw failed(reasonOf(error), error);
  });
  if (!response.ok) throw failed(`status ${response.status}`);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) break;
    length += value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      throw failed(`more than ${maxBytes} bytes`);
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Node says only "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return cause instanceof Error && cause.message !== ""
    ? `${message} (${shortened(cause.message)})`
    : message;
}
