import { errorBody } from "./errors.ts";
import type { Exchange } from "./exchange.ts";

/** Sends one event: its data as JSON. */
export type SendEvent = (data: object) => void;

/**
 * A reply of server-sent events. `write` sends them; `[DONE]` follows when it has ended, an event with the error if
 * it failed. Whoever stops reading aborts the exchange; events wait in memory for one who reads slowly, so that a
 * slow reader holds up nobody else.
 */
export function eventStream(exchange: Exchange, write: (send: SendEvent) => Promise<void>): Response {
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
            controller.enqueue(encoder.encode(`data: ${JSON.stringify(errorBody(refusal))}\n\n`));
          }
        } finally {
          exchange.end();
          closeQuietly(controller);
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

/** A stream that was cancelled is closed already. */
function closeQuietly(controller: ReadableStreamDefaultController): void {
  try {
    controller.close();
  } catch {
    // Nobody reads it any more.
  }
}
