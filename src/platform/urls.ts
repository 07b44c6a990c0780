import { fileURLToPath } from "node:url";
import { FileError } from "./files.ts";

/** The path of a `file:` URL; undefined for any other URL. */
export function pathOfUrl(url: URL): string | undefined {
  return url.protocol === "file:" ? fileURLToPath(url) : undefined;
}

/**
 * The bytes behind an `http:`, `https:` or `data:` URL.
 *
 * @throws FileError where they cannot be had, or are more than `maxBytes`
 */
export async function fetchBytes(url: URL, maxBytes = 2 ** 28): Promise<Uint8Array> {
  const where = url.protocol === "data:" ? "data: URL" : url.href;
  const failed = (got: string, cause?: unknown): FileError =>
    new FileError(`${where}: must be a picture that can be fetched, got ${got}`, { cause });
  const response = await fetch(url).catch((error: unknown) => {
    throw failed(error instanceof Error ? error.message : String(error), error);
  });
  if (!response.ok) throw failed(`status ${response.status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxBytes) throw failed(`more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts.map((part) => Uint8Array.from(part))).arrayBuffer());
}
