import { getMimeType } from "hono/utils/mime";
import { weightFormats } from "../checkpoint/index.ts";
import { settingsFiles } from "../model-files/index.ts";
import { fileStatus, joinPath, openFile } from "../platform/index.ts";
import type { OpenModel } from "./models.ts";

/** Bytes of a file that are read at once. */
const piece = 256 * 1024;

/** Makes an error that clients may see of a file error, whose message names a path. */
type OnFileError = (error: unknown) => Error;

/** Security headers of the page: it may use threads, WebAssembly and blobs of its own, and nothing of other origins. */
const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "img-src 'self' data: blob:",
    "media-src blob: data:",
    "connect-src 'self' data: blob:",
    "style-src 'self' 'unsafe-inline'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "referrer-policy": "no-referrer",
};

/** Files with a content hash in their names, as Vite writes them: they may be cached for ever. */
const lasting = /^assets\/.*-[\w-]{8,}\.\w+$/;

/**
 * A file of the built page. A path is looked up segment by segment by plain names, so it cannot leave the directory.
 *
 * @param path as the URL has it, decoded; empty for index.html
 * @returns undefined where there is no such file
 */
export async function pageFile(
  directory: string,
  path: string,
  request: Request,
  onError: OnFileError,
): Promise<Response | undefined> {
  const segments = (path === "" || path.endsWith("/") ? `${path}index.html` : path).split("/");
  if (segments.some((segment) => !/^[\w@~+-][\w.@~+-]*$/.test(segment))) return undefined;
  const cacheControl = lasting.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
  const headers = { ...pageHeaders, "cache-control": cacheControl };
  return sendFile(joinPath(directory, ...segments), request, headers, onError);
}

/** Whether a name is that of a file which a model is loaded from in a browser: its settings, tokenizer, weights. */
function isServed(name: string): boolean {
  if (settingsFiles.includes(name) || /^tokenizer[\w-]*\.json$/.test(name)) return true;
  const formats = weightFormats.filter(({ inBrowser }) => inBrowser);
  const endings = [".index.json", ...formats.flatMap(({ extensions }) => extensions)];
  return /^[\w-][\w.-]*$/.test(name) && endings.some((ending) => name.endsWith(ending));
}

/** A file of a model's directory, if it is one that a model is loaded from. */
export async function modelFile(
  { directory }: OpenModel,
  name: string,
  request: Request,
  onError: OnFileError,
): Promise<Response | undefined> {
  if (directory === undefined || !isServed(name)) return undefined;
  return sendFile(joinPath(directory, name), request, { "cache-control": "no-cache" }, onError);
}

/** A response with a file, or with the requested range of it; undefined where there is none. */
async function sendFile(
  path: string,
  request: Request,
  headers: Readonly<Record<string, string>>,
  onError: OnFileError,
): Promise<Response | undefined> {
  const status = await fileStatus(path);
  if (status === undefined) return undefined;
  const { bytes: size, modified } = status;
  const etag = `"${size.toString(16)}-${Math.round(modified).toString(16)}"`;
  const all = {
    ...headers,
    etag,
    "accept-ranges": "bytes",
    "content-type": getMimeType(path) ?? "application/octet-stream",
    "cross-origin-resource-policy": "same-origin",
  };
  if (isKnown(request, etag)) return new Response(null, { status: 304, headers: all });
  const range = rangeOf(request, size, etag);
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { ...all, "content-range": `bytes */${size}` } });
  }
  const [start, end] = range ?? [0, size];
  // An error of opening the file must come before the response has begun.
  await (await openFile(path)).close();
  const content = request.method === "HEAD" ? null : contentOf(path, start, end, onError);
  return new Response(content, {
    status: range === undefined ? 200 : 206,
    headers: {
      ...all,
      "content-length": String(end - start),
      ...(range !== undefined && { "content-range": `bytes ${start}-${end - 1}/${size}` }),
    },
  });
}

function isKnown(request: Request, etag: string): boolean {
  const known = request.headers.get("if-none-match");
  return known?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag) ?? false;
}

/** The requested range [start, end) of bytes; a request for several ranges gets the whole file. */
function rangeOf(
  request: Request,
  size: number,
  etag: string,
): readonly [number, number] | "unsatisfiable" | undefined {
  const asked = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const condition = request.headers.get("if-range");
  if (asked === null || (condition !== null && condition !== etag)) return undefined;
  const [, from, to] = asked;
  if (from === "" && to === "") return undefined;
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === "" || to === "" ? size : Math.min(size, Number(to) + 1);
  return start < end ? [start, end] : "unsatisfiable";
}

/** A stream of the bytes of a file, which is opened at the first read and closed after the last. */
function contentOf(
  path: string,
  start: number,
  end: number,
  onError: OnFileError,
): ReadableStream<Uint8Array> {
  const pieces = piecesOf(path, start, end);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next().catch((error: unknown) => {
          // The error of a stream may reach the client.
          throw onError(error);
        });
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* piecesOf(path: string, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  const file = await openFile(path);
  try {
    for (let at = start; at < end; at += piece) {
      const bytes = new Uint8Array(Math.min(piece, end - at));
      await file.read(bytes, at);
      yield bytes;
    }
  } finally {
    await file.close();
  }
}
