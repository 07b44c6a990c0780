import { BackendError, type FailureDetails } from "./backend.ts";

/**
 * The error of a response that is not OK, with a message for people.
 *
 * @param attachmentAt gives the id of the attachment that a `param` such as `messages[2].content[0].image_url` refers to
 */
export async function errorFromResponse(
  response: Response,
  attachmentAt: (param: string) => string | undefined = () => undefined,
): Promise<BackendError> {
  const { message: reason, code, param } = await readErrorBody(response);
  const retryAfter = secondsOf(response.headers.get("retry-after"));
  const wait = retryAfter === undefined ? "in a moment" : `in ${formatDuration(retryAfter)}`;
  const details: FailureDetails = { code, ...(param !== undefined && { attachment: attachmentAt(param) }) };
  switch (response.status) {
    case 401:
    case 403:
      return new BackendError(
        "unauthorized",
        "The server wants a key. Load the page again: the browser then asks for it (any name, the key as password).",
      );
    case 404:
    case 501:
      return new BackendError("unsupported", `The server does not offer this${reasonText(reason)}.`, {
        code,
      });
    case 413:
      return new BackendError("refused", `This is more than the server takes${reasonText(reason)}.`, details);
    case 429:
    case 503:
      return new BackendError("busy", `The server is busy${reasonText(reason)}. Try again ${wait}.`, {
        retryAfter,
        code,
      });
    default:
      return response.status < 500
        ? new BackendError("refused", `The server refused this${reasonText(reason)}.`, details)
        : new BackendError("failed", `Something went wrong in the server${reasonText(reason)}.`, {
            retryAfter,
            code,
          });
  }
}

/** An error that the server reports in the middle of a stream. */
export function streamError(reason: string | undefined): BackendError {
  return new BackendError("failed", `The answer broke off in the server${reasonText(reason)}.`);
}

/** There is no connection, or it was lost. */
export function unreachableError(): BackendError {
  return new BackendError("unreachable", "The server cannot be reached. Is it still running?");
}

export function formatDuration(seconds: number): string {
  if (seconds < 100) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

const reasonText = (reason: string | undefined): string =>
  reason === undefined || reason === "" ? "" : `: ${reason.replace(/\.$/, "")}`;

/** The texts of OpenAI's error object; other servers send it without the outer object, or as `detail`. */
async function readErrorBody(
  response: Response,
): Promise<{ message?: string; code?: string; param?: string }> {
  try {
    const body = (await response.json()) as Record<string, unknown> | null;
    const error = body?.error ?? body?.detail ?? body;
    if (typeof error === "string") return { message: error };
    const texts = ["message", "code", "param"].map((key) => [key, (error as typeof body)?.[key]]);
    return Object.fromEntries(texts.filter(([, value]) => typeof value === "string"));
  } catch {
    return {};
  }
}

/** Retry-After is a number of seconds or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const milliseconds = Date.parse(header) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, Math.ceil(milliseconds / 1000));
}
