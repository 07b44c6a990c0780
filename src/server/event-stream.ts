import { errorBody } from "./errors.ts";
import type { ApiRequest } from "./state.ts";

/** Sends one event: its data as JSON. */
export type SendEvent = (data: object) => void;

/**
 * A reply of server-sent events. `write` sends them; `[DONE]` follows when it has ended, an event with the error if
 * it failed. A client that stops reading aborts the request; for one that reads slowly events wait in memory, so that a
 * slow reader holds up nobody else; when all are there, for `readingSeconds` more.
 */
export function eventStream(
  { context, state: { limits } }: ApiRequest,
  write: (send: SendEvent) => Promise<void>,
): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const line = (data: string): void => {
        if (!context.signal.aborted) controller.enqueue(encoder.encode(`data: ${data}\n\n`));
      };
      const finish = async (): Promise<void> => {
        try {
          await write((data) => line(JSON.stringify(data)));
          line("[DONE]");
        } catch (error) {
          const apiError = context.toApiError(error);
          // After an abort `line` sends nothing; a client whose request took too long still gets the error.
          if (apiError.status !== 499) {
            sendQuietly(controller, encoder.encode(`data: ${JSON.stringify(errorBody(apiError))}\n\n`));
          }
        } finally {
          context.end();
          closeQuietly(controller);
          errorIfUnread(controller, limits.readingSeconds);
        }
      };
      void finish();
    },
    cancel() {
      context.clientLeft();
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

/** Fails a stream that is not read to its end within so many seconds; one that was read is closed by then. */
function errorIfUnread(controller: ReadableStreamDefaultController, seconds: number): void {
  const reason = new Error(`a reply must be read within ${seconds} seconds from its end`);
  const timer: unknown = setTimeout(() => controller.error(reason), 1000 * seconds);
  // In Node a timer keeps the process, which has no need to wait for this one.
  if (isNodeTimer(timer)) timer.unref();
}

function isNodeTimer(timer: unknown): timer is { unref(): void } {
  return typeof timer === "object" && timer !== null && "unref" in timer;
}

/** Sends to a stream that the client may have cancelled. */
function sendQuietly(controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
  try {
    controller.enqueue(bytes);
  } catch {
    // The stream was cancelled.
  }
}

/** Closes a stream that the client may have cancelled. */
function closeQuietly(controller: ReadableStreamDefaultController): void {
  try {
    controller.close();
  } catch {
    // Nobody reads it any more.
  }
}
