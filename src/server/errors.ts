import { SettingsError } from "../generation/index.ts";
import { ImageError, MissingFfmpegError, VideoError } from "../image/index.ts";
import { NoAbstractorError, TextOnlyError } from "../model/index.ts";
import { RemoteFileError, shortened } from "../platform/index.ts";
import { PromptError } from "../prompt/index.ts";
import { TokenizerError } from "../tokenizer/index.ts";

/** The fields of an error besides its message. */
interface ErrorDetails {
  /** The field of the request that is wrong, as `messages[0].content`. */
  readonly param?: string | undefined;
  /** A machine-readable code, as `model_not_found`. */
  readonly code?: string | undefined;
  /** Seconds after which the client may try again. */
  readonly retryAfter?: number | undefined;
  /** The internal cause; it is logged and never sent. */
  readonly cause?: unknown;
}

/** An error that the client gets, in the shape of OpenAI's protocol. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(status: number, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.status = status;
    this.details = details;
  }
}

/** An error 400 about one field of a request. */
export function badRequest(message: string, param?: string, code = "invalid_value"): ApiError {
  return new ApiError(400, message, { param, code });
}

const types: Record<number, string> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  429: "rate_limit_error",
};

/** The error object of OpenAI's protocol. */
export function errorBody({ status, message, details }: ApiError): object {
  const type = types[status] ?? (status < 500 ? "invalid_request_error" : "server_error");
  const param = details.param === undefined ? null : shortened(details.param, 200);
  return { error: { message: shortened(message, 10_000), type, param, code: details.code ?? null } };
}

/** The response for an error. */
export function errorResponse(error: ApiError): Response {
  const { retryAfter } = error.details;
  return Response.json(errorBody(error), {
    status: error.status,
    headers: {
      "cache-control": "no-store",
      ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
    },
  });
}

const malformed: Readonly<Record<number, string>> = {
  400: "the request must be well-formed HTTP with one host and a path that can be read",
  408: "the request must come faster",
  413: "the body's chunks must say less about themselves",
  417: "the Expect header must be 100-continue, or absent",
  431: "the headers must be shorter",
};

/** The response to bytes that are no valid HTTP request; for `listenHttp` of `platform`. */
export function refuseMalformed(status: number): Response {
  const message = malformed[status];
  return errorResponse(
    message === undefined
      ? new ApiError(500, "internal error")
      : new ApiError(status, message, { code: "malformed" }),
  );
}

/**
 * The error that the client gets for any error. Errors about the request keep their message, which names no file because
 * a request has none. Of all others the client gets only an id, under which the log has the rest.
 *
 * @param onInternal called with every internal error and its id
 */
export function toApiError(error: unknown, onInternal: (id: string, error: unknown) => void): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof MissingFfmpegError) {
    const message = "this server has no ffmpeg to read videos with; it takes animated GIF and WebP";
    return new ApiError(501, message, { code: "no_ffmpeg", cause: error });
  }
  if (isAboutRequest(error)) {
    return new ApiError(400, error.message, { code: "invalid_value", cause: error });
  }
  const id = crypto.randomUUID();
  onInternal(id, error);
  return new ApiError(500, `internal error; the server's log has it under ${id}`, {
    code: "internal_error",
    cause: error,
  });
}

function isAboutRequest(error: unknown): error is Error {
  const ofInput = [PromptError, SettingsError, TokenizerError, ImageError, VideoError, RemoteFileError];
  const ofModel = [TextOnlyError, NoAbstractorError];
  return [...ofInput, ...ofModel].some((kind) => error instanceof kind);
}
