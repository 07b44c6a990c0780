import { fileKind, joinPath, pathKind, readBytes, shortened } from "../platform/index.ts";
import { ApiError, accessCheck, errorResponse, pageFile } from "../server/index.ts";
import { readLogPart } from "./log-part.ts";
import { findRuns, type WatchedRun } from "./runs.ts";

/** What a page about runs shows, and who may ask for it. */
export interface WatchServerOptions {
  /** The outputs of `owl train`, or directories of such; a run that begins there later is found too. */
  readonly places: readonly string[];
  /** The directory of the built page. */
  readonly page: string;
  /** Names under which the server may be asked, without port; see `AccessOptions`. */
  readonly hosts: readonly string[];
}

/**
 * A server of a page that shows runs while they are written. It only reads: their `log.jsonl`, and the pictures that `samples/` in
 * their directories holds.
 *
 * @returns a fetch handler, which never throws
 */
export function createWatchServer({
  places,
  page,
  hosts,
}: WatchServerOptions): (request: Request) => Promise<Response> {
  const checkAccess = accessCheck({ hosts });
  return async (request) => {
    try {
      await checkAccess(request);
      if (request.method !== "GET") throw new ApiError(405, "this address must be asked by GET");
      return await answer(request, places, page);
    } catch (error) {
      return errorResponse(toApiError(error));
    }
  };
}

/** Messages are shown to whoever watches, who named the directories that they name. */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, message, { cause: error });
}

async function answer(request: Request, places: readonly string[], page: string): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/watch/runs") {
    const runs = await findRuns(places);
    return uncached({ runs: runs.map(({ id, name, modified }) => ({ id, name, modified })), places });
  }
  if (pathname === "/watch/log") {
    const from = Number(searchParams.get("from") ?? 0);
    if (!Number.isSafeInteger(from) || from < 0) throw new ApiError(400, "from: must be a number of bytes");
    return uncached(await readLogPart((await runOf(places, searchParams)).log, from));
  }
  if (pathname === "/watch/picture") {
    const { directory } = await runOf(places, searchParams);
    return picture(directory, searchParams.get("name") ?? "");
  }
  const path = pathname === "/" ? "watch.html" : pathname.slice(1);
  const found = await pageFile(page, path, request, toApiError);
  if (found === undefined) throw new ApiError(404, "there is nothing at this address");
  return found;
}

async function runOf(places: readonly string[], parameters: URLSearchParams): Promise<WatchedRun> {
  const id = parameters.get("run") ?? "";
  const run = (await findRuns(places)).find((one) => one.id === id);
  if (run === undefined) throw new ApiError(404, `run: must be one that is watched, got ${shortened(id)}`);
  return run;
}

/** The name that a run gives to a picture of its questions. */
const pictureName = /^samples\/[0-9a-f]{16}(\.\w{1,5})?$/;

async function picture(directory: string, name: string): Promise<Response> {
  const path = joinPath(directory, name);
  if (!pictureName.test(name) || (await pathKind(path)) !== "file") {
    throw new ApiError(404, "the run has no such picture");
  }
  const bytes = await readBytes(path);
  const kind = fileKind(bytes);
  if (kind?.group !== "picture") throw new ApiError(404, "the run has no such picture");
  return new Response(new Uint8Array(bytes), {
    headers: {
      "content-type": kind.mediaType,
      "cache-control": "max-age=31536000, immutable",
      // An SVG that is opened by itself runs no script and loads nothing.
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
    },
  });
}

function uncached(value: object): Response {
  return Response.json(value, { headers: { "cache-control": "no-store" } });
}
