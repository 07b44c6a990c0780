import type { Semaphore } from "../primitives/index.ts";
import type { Truncation } from "../prompt/index.ts";
import type { Exchange } from "./exchange.ts";
import type { FeedbackFile } from "./feedback-file.ts";
import { type Limits, type Places, takeMemory } from "./limits.ts";
import type { MediaReading, RemoteFetch } from "./media.ts";
import type { Metrics } from "./metrics.ts";
import type { Models } from "./models.ts";

/** What all requests to a server share. */
export interface ServerState {
  readonly models: Models;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly remote: RemoteFetch | undefined;
  /** What becomes of conversations that no longer fit, where a request does not say. */
  readonly truncation: Truncation;
  readonly feedback: FeedbackFile | undefined;
  /** Answers that are being made or wait. */
  readonly queue: Places;
  /** Bytes of bodies and fetched pictures that are in memory. */
  readonly memory: Places;
  /** Pictures of one request are decoded at a time: decoded ones are large. */
  readonly decoding: Semaphore;
}

/** A request with what it needs to be answered. */
export interface Asking {
  readonly state: ServerState;
  readonly exchange: Exchange;
  /** The request's JSON. */
  readonly body: unknown;
}

/** How the pictures of a request are read. */
export function mediaReading({ state: { limits, remote, memory }, exchange }: Asking): MediaReading {
  const onFetched = (bytes: number): void => exchange.atEnd(takeMemory(memory, bytes));
  return { limits, remote, signal: exchange.signal, onFetched };
}
