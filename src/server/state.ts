import type { Semaphore } from "../primitives/index.ts";
import type { Truncation } from "../prompt/index.ts";
import type { FeedbackFile } from "./feedback-file.ts";
import { type Limits, type Quota, reserveMemory } from "./limits.ts";
import type { MediaReading, RemoteFetch } from "./media.ts";
import type { Metrics } from "./metrics.ts";
import type { Models } from "./models.ts";
import type { RequestContext } from "./request-context.ts";

/** What all requests to a server share. */
export interface ServerState {
  readonly models: Models;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly remote: RemoteFetch | undefined;
  /** Whether conversations that are too long lose their oldest turns, where a request does not say. */
  readonly truncation: Truncation;
  readonly feedback: FeedbackFile | undefined;
  /** Answers that are being generated or wait. */
  readonly queue: Quota;
  /** Bytes of bodies and fetched pictures that are in memory. */
  readonly memory: Quota;
  /** A mutex: images of one request are decoded at a time, since decoded ones are large. */
  readonly decoding: Semaphore;
}

/** A POST request with its JSON body, and what its endpoint needs to answer it. */
export interface ApiRequest {
  readonly state: ServerState;
  readonly context: RequestContext;
  /** The request's JSON. */
  readonly body: unknown;
}

/** A GET request. */
export interface GetRequest {
  readonly state: ServerState;
  readonly context: RequestContext;
  readonly request: Request;
  /** A parameter of the address' pattern. */
  readonly parameter: (name: string) => string;
}

/** How the pictures of a request are read. */
export function mediaReading({ state: { limits, remote, memory }, context }: ApiRequest): MediaReading {
  const onFetched = (bytes: number): void => context.onEnd(reserveMemory(memory, bytes));
  return { limits, remote, signal: context.signal, onFetched };
}
