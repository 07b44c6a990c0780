import {
  type AppendOnlyFile,
  type Digest,
  fileSize,
  linkFile,
  moveFile,
  newDigest,
  openAppendOnlyFile,
  removeFile,
} from "../platform/index.ts";
import type { RepoFolder } from "./cache.ts";
import { ChecksumError, HubError } from "./errors.ts";
import type { HubFile } from "./repo-files.ts";
import { cutShort, fetchFromHub, type HubClient, networkError, withRetries } from "./request.ts";

/** One file to download. */
export interface Download {
  readonly client: HubClient;
  readonly folder: RepoFolder;
  readonly commit: string;
  readonly file: HubFile;
  /** Called with the number of bytes that have arrived; negative where some must be fetched again. */
  readonly onBytes: (bytes: number) => void;
}

const partialPath = (blob: string): string => `${blob}.incomplete`;

/** Bytes of a file that the cache holds already, the beginning of an interrupted download included. */
export async function presentBytes(folder: RepoFolder, commit: string, file: HubFile): Promise<number> {
  const { checksum, size } = file;
  const blob = folder.blob(checksum);
  if ((await isInSnapshot(folder, commit, file)) || (await fileSize(blob)) === size) return size;
  const partial = (await fileSize(partialPath(blob))) ?? 0;
  return partial <= size ? partial : 0;
}

/** Whether a commit has its file, which in a cache without links is no blob. */
async function isInSnapshot(folder: RepoFolder, commit: string, { path, size }: HubFile): Promise<boolean> {
  return (await fileSize(folder.file(commit, path))) === size;
}

/**
 * Downloads a file of a commit into the cache. A partial download is resumed, and only a file with the right checksum
 * becomes visible. Of several processes one downloads, the others wait for it.
 *
 * @throws ChecksumError HubError FileError, or the signal's reason
 */
export async function download(work: Download): Promise<void> {
  const { client, folder, commit, file } = work;
  // Nothing is written then: the cache may be another's, to be read alone.
  if (await isInSnapshot(folder, commit, file)) return;
  const blob = folder.blob(file.checksum);
  const isThere = async (): Promise<boolean> => (await fileSize(blob)) === file.size;
  if (!(await isThere())) {
    await folder.locked(
      file.checksum,
      client.signal,
      async () => {
        if (!(await isThere())) await complete(work, blob);
      },
      () => client.onEvent({ kind: "waiting", file: file.path }),
    );
  }
  await linkFile(blob, folder.file(commit, file.path));
}

async function complete(work: Download, blob: string): Promise<void> {
  const path = partialPath(blob);
  const partial = await openAppendOnlyFile(path);
  const digest = new FileDigest(work.file);
  try {
    if (partial.size > work.file.size) await partial.clear();
    for await (const piece of partial.contents()) {
      work.client.signal?.throwIfAborted();
      digest.update(piece);
    }
    await withRetries(
      work.client,
      () => receive(work, partial, digest),
      () => partial.size,
    );
  } finally {
    await partial.close();
  }
  const { file, client } = work;
  const found = digest.hex();
  // The checksum is of the bytes that came; on a file system without working locks another process may have written, too.
  const length = await fileSize(path);
  if (found === file.checksum && length === file.size) return moveFile(path, blob);
  await removeFile(path);
  const [must, got] =
    length === file.size
      ? [`the ${file.algorithm} checksum ${file.checksum}`, found]
      : [`${file.size} bytes`, `${length} (does another program write to the cache?)`];
  throw new ChecksumError(
    `${client.name.repo}, ${file.path}: must have ${must}, got ${got}; nothing of it was kept, pull again`,
  );
}

/** Sends one request, for the bytes that are missing. */
async function receive(work: Download, partial: AppendOnlyFile, digest: FileDigest): Promise<void> {
  const { client, file, commit, onBytes } = work;
  if (partial.size === file.size) return;
  // A compressed response could not be resumed.
  const headers = new Headers({ "Accept-Encoding": "identity" });
  if (partial.size > 0) headers.set("Range", `bytes=${partial.size}-`);
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const url = `${client.hub.endpoint}/${client.name.repo}/resolve/${commit}/${path}`;
  const response = await fetchFromHub(client, url, headers);
  if (partial.size > 0 && response.status !== 206) {
    // The server ignored the range and sends the whole file.
    onBytes(-partial.size);
    await partial.clear();
    digest.restart();
  }
  requireRange(response, partial.size, work);
  try {
    for await (const bytes of response.body ?? []) {
      if (partial.size + bytes.length > file.size) throw tooLong(work);
      await partial.append(bytes);
      digest.update(bytes);
      onBytes(bytes.length);
    }
  } catch (error) {
    throw networkError(client, error);
  }
  if (partial.size < file.size) throw cutShort(partial.size, file.size);
}

function requireRange(response: Response, from: number, { file }: Download): void {
  const range = response.headers.get("content-range");
  if (response.status !== 206) return;
  const [, first, length] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? "") ?? [];
  if (Number(first) === from && (length === "*" || Number(length) === file.size)) return;
  throw new HubError(
    `${file.path}: must be sent from byte ${from} of ${file.size} on, got content-range ${range}; try again later`,
  );
}

function tooLong({ file, client }: Download): HubError {
  return new HubError(
    `${client.name.repo}, ${file.path}: must have ${file.size} bytes, got more; try again later`,
  );
}

/** The checksum by which the hub names a file's content. */
class FileDigest {
  readonly #file: HubFile;
  #digest: Digest;

  constructor(file: HubFile) {
    this.#file = file;
    this.#digest = this.#begin();
  }

  update(bytes: Uint8Array): void {
    this.#digest.update(bytes);
  }

  restart(): void {
    this.#digest = this.#begin();
  }

  hex(): string {
    return this.#digest.hex();
  }

  #begin(): Digest {
    if (this.#file.algorithm === "sha256") return newDigest("sha256");
    const digest = newDigest("sha1");
    digest.update(new TextEncoder().encode(`blob ${this.#file.size}\0`));
    return digest;
  }
}
