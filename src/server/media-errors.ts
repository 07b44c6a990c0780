import { ImageError, MissingFfmpegError, VideoError } from "../image/index.ts";
import { MediaError } from "../owl/index.ts";
import { ApiError } from "./errors.ts";

/** Which field of a request a picture or video came in. */
export type MediaParams = ReadonlyMap<Uint8Array, string>;

/** What the field of a picture or video holds, in the words of error codes. */
export const kindOf = (param: string): "image" | "video" => (param.includes("video_url") ? "video" : "image");

/**
 * The errors of decoding images and videos, each with its field; none where an error is about something else.
 *
 * @param error what decoding them threw
 */
export function decodingErrors(error: unknown, params: MediaParams): ApiError[] {
  if (error instanceof MissingFfmpegError) return [];
  const fields = new Map<unknown, string>(params);
  const problem = (message: string, param: string | undefined): ApiError =>
    new ApiError(400, param === undefined ? message : `${param}: ${message}`, {
      param,
      code: `${kindOf(param ?? "")}_parse_error`,
      cause: error,
    });
  if (error instanceof MediaError) {
    return error.problems.map(({ source, message }) => problem(message, fields.get(source)));
  }
  const isOfOne = error instanceof ImageError || error instanceof VideoError;
  return isOfOne ? [problem(error.message, [...params.values()][0])] : [];
}

/** One error for several, in the order of their fields: field and code are the first one's, the message lists all. */
export function combinedError(problems: readonly ApiError[]): ApiError {
  const inOrder = problems.toSorted((a, b) => fieldOf(a).localeCompare(fieldOf(b), "en", { numeric: true }));
  const [first] = inOrder;
  if (inOrder.length === 1) return first;
  const status = inOrder.every((one) => one.status === first.status) ? first.status : 400;
  return new ApiError(status, inOrder.map(({ message }) => message).join("; "), first.details);
}

const fieldOf = ({ details }: ApiError): string => details.param ?? "";
