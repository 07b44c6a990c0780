import type { z } from "zod";
import { ApiError, badRequest } from "./errors.ts";
import { exceededLimit } from "./json-limits.ts";
import { type Limits, type Quota, reserveMemory } from "./limits.ts";
import { schemaProblems } from "./schema-problems.ts";
import { withoutNulls } from "./without-nulls.ts";

/** A request's JSON, and the function that releases the memory reserved for it. */
export interface JsonBody {
  readonly value: unknown;
  readonly release: () => void;
}

/**
 * Reads a body of JSON within the limits of size and time.
 *
 * @param memory the bytes of all bodies that are in memory; `release` gives back this one's
 * @throws ApiError 400, 408, 413, 415 or 503
 */
export async function readJson(request: Request, limits: Limits, memory: Quota): Promise<JsonBody> {
  requireJson(request.headers);
  const said = Number(request.headers.get("content-length") ?? 0);
  if (said > limits.bodyBytes) throw tooLarge(limits.bodyBytes);
  const releases: (() => void)[] = [];
  const release = (): void => {
    for (const one of releases.splice(0)) one();
  };
  try {
    const bytes = await readBytes(request, limits, (count) => {
      releases.push(reserveMemory(memory, count));
    });
    return { value: parseJson(bytes), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Most problems that an error lists. */
const maxProblems = 20;

/** Validates a body, in which null counts as absent. @throws ApiError 400 that lists all problems; `param` names the first */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(withoutNulls(value));
  if (parsed.success) return parsed.data;
  const problems = schemaProblems(parsed.error.issues);
  const said = problems
    .slice(0, maxProblems)
    .map(({ param, text }) => (param === "" ? text : `${param}: ${text}`));
  if (problems.length > maxProblems) said.push(`and ${problems.length - maxProblems} more`);
  const [{ param, code }] = problems;
  throw badRequest(said.join("; "), param || undefined, code);
}

/** Requires JSON: pages of other origins can send forms and plain text without a preflight request, but no JSON. */
function requireJson(headers: Headers): void {
  const type = headers.get("content-type") ?? "none";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError(415, "the Content-Type must be application/json", { code: "not_json" });
  }
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    throw new ApiError(415, "the body must not be compressed", { code: "compressed" });
  }
}

function tooLarge(limit: number): ApiError {
  return new ApiError(413, `the body must have at most ${limit} bytes`, { code: "body_too_large" });
}

async function readBytes(
  request: Request,
  { bodyBytes, bodySeconds }: Limits,
  count: (bytes: number) => void,
): Promise<Uint8Array> {
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  let late: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const error = new ApiError(408, `the body must come within ${bodySeconds} seconds`, { code: "timeout" });
    late = setTimeout(() => reject(error), 1000 * bodySeconds);
  });
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), timeout]);
      if (done) return joined(parts, length);
      length += value.byteLength;
      if (length > bodyBytes) throw tooLarge(bodyBytes);
      count(value.byteLength);
      parts.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (error instanceof ApiError) throw error;
    throw badRequest("the body must come whole, got one that was cut short", undefined, "invalid_json");
  } finally {
    clearTimeout(late);
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

function parseJson(bytes: Uint8Array): unknown {
  const excess = exceededLimit(bytes);
  if (excess !== undefined)
    throw badRequest(`the body must have ${excess}, got more`, undefined, "invalid_json");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw badRequest("the body must be JSON in UTF-8", undefined, "invalid_json");
  }
}
