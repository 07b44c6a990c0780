import type { Transfer } from "../../files/file-cache.ts";
import { FileError } from "../../files/file-error.ts";
import { urlOf } from "./urls.ts";

/** The name of what this package keeps in the browser's Cache storage. */
const cacheName = "mplug-owl";

/** What a model consists of is kept; pictures are not. */
const modelFile = /\.(json|safetensors|model|bin)$/;

const notThere = 404;

const listeners = new Set<(transfer: Transfer) => void>();
/** Files on their way, so that none is fetched twice at once. */
const underWay = new Map<string, Promise<Blob | undefined>>();

/** Tells of files that come over the network or out of the cache, until the function that it gives is called. */
export function watchTransfers(listener: (transfer: Transfer) => void): () => void {
  const own = (transfer: Transfer): void => listener(transfer);
  listeners.add(own);
  return () => void listeners.delete(own);
}

function tell(transfer: Transfer): void {
  for (const listener of listeners) listener(transfer);
}

/**
 * A file of the server; undefined where there is none. Files of models are kept in the browser's Cache storage and
 * then come from there without a word to the server, and so does the knowledge that there is none; see
 * {@link changedFiles}. Where a page has no Cache storage (it needs https or localhost), or no room, nothing is kept.
 *
 * @throws FileError where the server cannot be reached or answers with an error
 */
export function fileAt(path: string): Promise<Blob | undefined> {
  const url = urlOf(path);
  const { href } = url;
  const known = underWay.get(href);
  if (known !== undefined) return known;
  const made = (modelFile.test(url.pathname) ? keptFile(href) : freshFile(href)).finally(() =>
    underWay.delete(href),
  );
  underWay.set(href, made);
  return made;
}

async function openCache(): Promise<Cache | undefined> {
  // Browsers also refuse it outright, in private windows and with storage blocked.
  return typeof caches === "undefined" ? undefined : caches.open(cacheName).catch(() => undefined);
}

async function keptFile(url: string): Promise<Blob | undefined> {
  const cache = await openCache();
  const kept = await cache?.match(url);
  if (kept !== undefined) {
    if (kept.status === notThere) return undefined;
    const blob = await kept.blob();
    tell({ url, bytes: blob.size, totalBytes: blob.size, from: "cache" });
    return blob;
  }
  const response = await answerTo(url);
  if (cache === undefined) return response && received(response, url).blob();
  return keep(cache, url, response);
}

async function freshFile(url: string): Promise<Blob | undefined> {
  const response = await answerTo(url);
  return response && received(response, url).blob();
}

/** Puts an answer into the cache, which shows it only when it is whole; without room it is fetched for this time. */
async function keep(cache: Cache, url: string, response: Response | undefined): Promise<Blob | undefined> {
  if (response === undefined) {
    await cache.put(url, new Response(null, { status: notThere })).catch(() => undefined);
    return undefined;
  }
  try {
    await cache.put(url, received(response, url));
    const kept = await cache.match(url);
    if (kept !== undefined) return await kept.blob();
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "QuotaExceededError")) throw failure(url, error);
  }
  return freshFile(url);
}

function failure(url: string, cause: unknown): FileError {
  const got = cause instanceof Error ? cause.message : String(cause);
  return new FileError(`${url}: must come from the server, got: ${got}; is the network there?`, { cause });
}

/** A good answer; undefined where the server has no such file. */
async function answerTo(url: string): Promise<Response | undefined> {
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

/** The same answer, telling of its bytes as they come. */
function received(response: Response, url: string): Response {
  const isPacked = response.headers.get("content-encoding") !== null;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const totalBytes = isPacked || Number.isNaN(length) ? undefined : length;
  let bytes = 0;
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      bytes += part.byteLength;
      tell({ url, bytes, totalBytes, from: "network" });
      controller.enqueue(part);
    },
  });
  const { status, headers } = response;
  return new Response(response.body?.pipeThrough(counting) ?? null, { status, headers });
}

/** What is kept of files under a directory, by URL. */
async function keptUnder(directory: string): Promise<{ cache: Cache; requests: readonly Request[] }> {
  const cache = await openCache();
  if (cache === undefined) throw new FileError("kept files: need a page with https or localhost");
  const { origin, pathname } = urlOf(directory);
  const start = `${origin}${pathname.replace(/\/+$/, "")}/`;
  const requests = (await cache.keys()).filter(({ url }) => url.startsWith(start));
  return { cache, requests };
}

/**
 * URLs of kept files that the server now has otherwise (another ETag, not any more, or only since): a request without
 * a body for each. {@link forgetFiles} lets the next load fetch them anew.
 *
 * @throws FileError where the server cannot be reached
 */
export async function changedFiles(directory: string): Promise<string[]> {
  const { cache, requests } = await keptUnder(directory).catch(() => ({ cache: undefined, requests: [] }));
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

/** An ETag; whether it is a weak one is the transport's affair. */
function tagOf({ headers }: Response): string | undefined {
  return headers.get("etag")?.replace(/^W\//, "");
}

/** Gives up what is kept of a directory's files. */
export async function forgetFiles(directory: string): Promise<void> {
  const { cache, requests } = await keptUnder(directory).catch(() => ({ cache: undefined, requests: [] }));
  for (const request of requests) await cache?.delete(request);
}
