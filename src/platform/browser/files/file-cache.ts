import { isModelFile } from "../../../model-files/index.ts";
import type { Transfer } from "../../files/file-cache.ts";
import { FileError } from "../../files/file-error.ts";
import { urlOf } from "./urls.ts";

/** The name of this package's cache in the browser's Cache storage. */
const cacheName = "mplug-owl";

const notThere = 404;

const listeners = new Set<(transfer: Transfer) => void>();
/** Files that are being fetched, so that none is fetched twice at once. */
const inFlight = new Map<string, Promise<Blob | undefined>>();

/** Calls a listener with the progress of every file until the function that is returned is called. */
export function watchTransfers(listener: (transfer: Transfer) => void): () => void {
  const own = (transfer: Transfer): void => listener(transfer);
  listeners.add(own);
  return () => void listeners.delete(own);
}

function notify(transfer: Transfer): void {
  for (const listener of listeners) listener(transfer);
}

/**
 * A file of the server; undefined where there is none. Files of models are cached in the browser's Cache storage, and read
 * from there without a request, also the fact that there is no such file; see {@link changedFiles}. Where a page has no Cache
 * storage (it needs https or localhost), or no room, nothing is cached.
 *
 * @throws FileError where the server cannot be reached or answers with an error
 */
export function fileAt(path: string): Promise<Blob | undefined> {
  const url = urlOf(path);
  const { href } = url;
  const known = inFlight.get(href);
  if (known !== undefined) return known;
  const made = (isModelFile(url.pathname) ? cachedFile(href) : fetchedFile(href)).finally(() =>
    inFlight.delete(href),
  );
  inFlight.set(href, made);
  return made;
}

async function openCache(): Promise<Cache | undefined> {
  // Browsers also refuse it outright, in private windows and with storage blocked.
  return typeof caches === "undefined" ? undefined : caches.open(cacheName).catch(() => undefined);
}

/** A model's file, from the cache or into it. Other files, such as pictures, are not cached. */
async function cachedFile(url: string): Promise<Blob | undefined> {
  const cache = await openCache();
  const kept = await cache?.match(url);
  if (kept !== undefined) {
    if (kept.status === notThere) return undefined;
    const blob = await kept.blob();
    notify({ url, bytes: blob.size, totalBytes: blob.size, from: "cache" });
    return blob;
  }
  const response = await responseTo(url);
  if (cache === undefined) return response && withProgress(response, url).blob();
  return keep(cache, url, response);
}

async function fetchedFile(url: string): Promise<Blob | undefined> {
  const response = await responseTo(url);
  return response && withProgress(response, url).blob();
}

/** Puts a response into the cache, where it appears when it is complete; without room the file is only fetched. */
async function keep(cache: Cache, url: string, response: Response | undefined): Promise<Blob | undefined> {
  if (response === undefined) {
    await cache.put(url, new Response(null, { status: notThere })).catch(() => undefined);
    return undefined;
  }
  try {
    await cache.put(url, withProgress(response, url));
    const kept = await cache.match(url);
    if (kept !== undefined) return await kept.blob();
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "QuotaExceededError")) throw failure(url, error);
  }
  return fetchedFile(url);
}

function failure(url: string, cause: unknown): FileError {
  const got = cause instanceof Error ? cause.message : String(cause);
  return new FileError(`${url}: must come from the server, got: ${got}; is the network there?`, { cause });
}

/** A response with status 2xx; undefined where the server has no such file. */
async function responseTo(url: string): Promise<Response | undefined> {
  const response = await fetch(url, { cache: "no-cache" }).catch((error: unknown) => {
    throw failure(url, error);
  });
  if (isMissing(response)) return undefined;
  if (!response.ok) {
    throw new FileError(`${url}: must be a file of the server, got status ${response.status}`);
  }
  return response;
}

/** Servers of single-page applications answer with a page where there is no file. */
function isMissing(response: Response): boolean {
  const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
  return response.status === notThere || response.status === 410 || isPage;
}

/** The same response, which notifies the listeners of its bytes as they arrive. */
function withProgress(response: Response, url: string): Response {
  const isPacked = response.headers.get("content-encoding") !== null;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const totalBytes = isPacked || Number.isNaN(length) ? undefined : length;
  let bytes = 0;
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      bytes += part.byteLength;
      notify({ url, bytes, totalBytes, from: "network" });
      controller.enqueue(part);
    },
  });
  const { status, headers } = response;
  return new Response(response.body?.pipeThrough(counting) ?? null, { status, headers });
}

/** The cached files of a directory, by URL. */
async function cachedUnder(directory: string): Promise<{ cache: Cache; requests: readonly Request[] }> {
  const cache = await openCache();
  if (cache === undefined) throw new FileError("kept files: need a page with https or localhost");
  const { origin, pathname } = urlOf(directory);
  const start = `${origin}${pathname.replace(/\/+$/, "")}/`;
  const requests = (await cache.keys()).filter(({ url }) => url.startsWith(start));
  return { cache, requests };
}

/**
 * URLs of cached files that have changed on the server (another ETag, removed, or added since): a HEAD request for each.
 * {@link forgetFiles} lets the next load fetch them anew.
 *
 * @throws FileError where the server cannot be reached
 */
export async function changedFiles(directory: string): Promise<string[]> {
  const { cache, requests } = await cachedUnder(directory).catch(() => ({ cache: undefined, requests: [] }));
  const changed: string[] = [];
  for (const { url } of requests) {
    const kept = await cache?.match(url);
    if (kept === undefined) continue;
    const now = await fetch(url, { method: "HEAD", cache: "no-cache" }).catch((error: unknown) => {
      throw failure(url, error);
    });
    const isSame = kept.status === notThere ? isMissing(now) : !isMissing(now) && tagOf(kept) === tagOf(now);
    if (!isSame) changed.push(url);
  }
  return changed;
}

/** An ETag without its mark of weakness, which compression on the way adds. */
function tagOf({ headers }: Response): string | undefined {
  return headers.get("etag")?.replace(/^W\//, "");
}

/** Removes the files of a directory from the cache. */
export async function forgetFiles(directory: string): Promise<void> {
  const { cache, requests } = await cachedUnder(directory).catch(() => ({ cache: undefined, requests: [] }));
  for (const request of requests) await cache?.delete(request);
}
