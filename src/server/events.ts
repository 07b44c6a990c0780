import { errorBody } from "./errors.ts";
import type { Asking } from "./state.ts";

/** Sends one event: its data as JSON. */
export type SendEvent = (data: object) => void;

/**
 * A reply of server-sent events. `write` sends them; `[DONE]` follows when it has ended, an event with the error if
 * it failed. Whoever stops reading aborts the exchange; events wait in memory for one who reads slowly, so that a
 * slow reader holds up nobody else; when all are there, for `readingSeconds` more.
 */
export function eventStream(
  { exchange, state: { limits } }: Asking,
  write: (send: SendEvent) => Promise<void>,
): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const line = (data: string): void => {
        if (!exchange.signal.aborted) controller.enqueue(encoder.encode(`data: ${data}\n\n`));
      };
      const finish = async (): Promise<void> => {
        try {
          await write((data) => line(JSON.stringify(data)));
          line("[DONE]");
        } catch (error) {
          const refusal = exchange.refusal(error);
          // Aborted exchanges send nothing more by `line`; one that took too long is still told so.
          if (refusal.status !== 499) {
            sendQuietly(controller, encoder.encode(`data: ${JSON.stringify(errorBody(refusal))}\n\n`));
          }
        } finally {
          exchange.end();
          closeQuietly(controller);
          forgetLater(controller, limits.readingSeconds);
        }
      };
      void finish();
    },
    cancel() {
      exchange.leave();
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // Asks proxies of nginx's kind to pass on every event at once.
      "x-accel-buffering": "no",
    },
  });
}

/** Ends a stream that by then was not read to its end; nothing happens to one that was. */
function forgetLater(controller: ReadableStreamDefaultController, seconds: number): void {
  const reason = new Error(`a reply must be read within ${seconds} seconds from its end`);
  const timer: unknown = setTimeout(() => controller.error(reason), 1000 * seconds);
  // In Node a timer keeps the process, which has no need to wait for this one.
  if (isNodeTimer(timer)) timer.unref();
}

function isNodeTimer(timer: unknown): timer is { unref(): void } {
  return typeof timer === "object" && timer !== null && "unref" in timer;
}

/** Whoever left meanwhile is told nothing. */
function sendQuietly(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
  try {
    controller.enqueue(bytes);
  } catch {
    // The stream was cancelled.
  }
}

/** A stream that was cancelled is closed already. */
function closeQuietly(controller: ReadableStreamDefaultController): void {
  try {
    controller.close();
  } catch {
    // Nobody reads it any more.
  }
}
