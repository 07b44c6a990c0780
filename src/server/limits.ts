import { checkOptions, type OptionRules, option } from "../platform/index.ts";
import { ApiError } from "./errors.ts";

/** The limits that a server sets to requests. */
export interface Limits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Bytes of all bodies and fetched pictures that are in memory at once. */
  readonly bodyBytesAtOnce: number;
  /** Seconds until a request's body must have come. */
  readonly bodySeconds: number;
  /** Pictures and videos of a request. */
  readonly pictures: number;
  /** Bytes of the file of a picture or video. */
  readonly pictureBytes: number;
  /** Pixels of a picture, told by its header before it is decoded; all frames of an animation may have ten times as many. */
  readonly pixels: number;
  /** New tokens of an answer. */
  readonly tokens: number;
  /** Answers of a request (`n`, and the prompts of a completion). */
  readonly choices: number;
  /** Beams of an answer. */
  readonly beams: number;
  /** Answers that are being generated or wait. */
  readonly queue: number;
  /** Seconds from a request to the end of its answer. */
  readonly seconds: number;
  /** Seconds that a complete streamed response waits for a client that reads it slowly. */
  readonly readingSeconds: number;
  /** Bytes of feedback that one run of the server writes. */
  readonly feedbackBytes: number;
}

const mebibyte = 2 ** 20;

export const defaultLimits: Limits = {
  bodyBytes: 32 * mebibyte,
  bodyBytesAtOnce: 256 * mebibyte,
  bodySeconds: 60,
  pictures: 16,
  pictureBytes: 20 * mebibyte,
  pixels: 50e6,
  tokens: 4096,
  choices: 8,
  beams: 8,
  queue: 64,
  seconds: 300,
  readingSeconds: 60,
  feedbackBytes: 1024 * mebibyte,
};

const limitRules = Object.fromEntries(
  Object.keys(defaultLimits).map((name) => [name, option.positive]),
) as unknown as OptionRules<Limits>;

/** The limits with those that are given in place of their defaults. */
export function completeLimits(given: Partial<Limits>): Limits {
  checkOptions("limits", given, limitRules);
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(present) };
}

/** A resource of which at most so many units are in use at once, such as places of a queue or bytes of memory. */
export class Quota {
  readonly #limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#taken;
  }

  /** Takes so many units, undefined where fewer are left; the function that is returned releases them, once. */
  take(count: number): (() => void) | undefined {
    if (this.#taken + count > this.#limit) return undefined;
    this.#taken += count;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken -= count;
      isTaken = false;
    };
  }
}

/**
 * Takes so many bytes of the memory for request bodies; the function that is returned releases them, once.
 * @throws ApiError 503 where fewer are left
 */
export function reserveMemory(memory: Quota, bytes: number): () => void {
  const release = memory.take(bytes);
  if (release !== undefined) return release;
  throw new ApiError(503, "too many bytes are being sent at this moment; ask again later", {
    code: "overloaded",
    retryAfter: 5,
  });
}

/** The error where the queue has no room for another answer. */
export function queueFullError(limit: number): ApiError {
  return new ApiError(429, `the server must have at most ${limit} answers in hand; ask again later`, {
    code: "queue_full",
    retryAfter: 5,
  });
}

/** The error that ends a request which took too long. */
export function timeoutError(limit: number): ApiError {
  return new ApiError(503, `an answer must be complete within ${limit} seconds; ask for fewer tokens`, {
    code: "timeout",
    retryAfter: 30,
  });
}
