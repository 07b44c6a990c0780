import { joinPath, newDigest, pathKind, readBytes, writeFileAtomically } from "../../platform/index.ts";
import { EvaluationError } from "../error.ts";
import { fetchWithRetry } from "../fetch-with-retry.ts";
import { type PublishedFile, publishedAddress, publishedFiles } from "./published-files.ts";

export interface GetOptions {
  /** The address of the folder that holds the files. Default: where they were published. */
  readonly address?: string | undefined;
  /** Default: all of OwlEval. */
  readonly files?: readonly PublishedFile[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for every file that is there, with the bytes of all of them. */
  readonly onProgress?: ((bytes: number, allBytes: number, path: string) => void) | undefined;
  /** Milliseconds before a file is asked for again. Default 1,000. */
  readonly retryDelay?: number | undefined;
}

/**
 * Fetches OwlEval into a directory. A file appears there whole and with the checksum that is kept here, or not at all;
 * one that is there already is not fetched again, so an interrupted download continues with the same call.
 *
 * @returns bytes that were fetched
 * @throws EvaluationError where a file cannot be had, or is another one than was published
 */
export async function getOwlEval(directory: string, options: GetOptions = {}): Promise<number> {
  const { address = publishedAddress, files = publishedFiles, signal, onProgress } = options;
  const allBytes = files.reduce((sum, [, bytes]) => sum + bytes, 0);
  let present = 0;
  let fetched = 0;
  for (const file of files) {
    signal?.throwIfAborted();
    const [path, bytes] = file;
    const target = joinPath(directory, path);
    if (!(await isThere(target, file))) {
      const content = await fetchFile(`${address.replace(/\/+$/, "")}/${path}`, file, options);
      await writeFileAtomically(target, content);
      fetched += bytes;
    }
    present += bytes;
    onProgress?.(present, allBytes, path);
  }
  return fetched;
}

async function isThere(target: string, file: PublishedFile): Promise<boolean> {
  return (await pathKind(target)) === "file" && sha256(await readBytes(target)) === file[2];
}

async function fetchFile(
  url: string,
  [path, bytes, checksum]: PublishedFile,
  { signal, retryDelay }: GetOptions,
): Promise<Uint8Array> {
  const content = await fetchWithRetry(url, { signal: signal ?? null, retryDelay }, (response) =>
    readAtMost(response, bytes),
  );
  const found = sha256(content);
  if (found === checksum) return content;
  throw new EvaluationError(
    `${url}: must be the ${path} that was published, ${bytes} bytes with SHA-256 ${checksum}, got ${content.length} bytes with ${found}; nothing of it was kept`,
  );
}

/** Bytes of an answer; one byte more than `most` is enough to tell that it is another file. */
async function readAtMost(response: Response, most: number): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(Uint8Array.from(part));
    length += part.length;
    if (length > most) break;
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function sha256(bytes: Uint8Array): string {
  const digest = newDigest("sha256");
  digest.update(bytes);
  return digest.hex();
}
