import { FileError } from "./file-error.ts";

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
