import {
  bytesOfDataUrl,
  FileError,
  fileKind,
  foundInstead,
  type ImageHeader,
  isBareBase64,
  isDataUrl,
  RemoteFileError,
  readImageHeader,
} from "../platform/index.ts";
import type { ContentPart, Message } from "../prompt/index.ts";
import { ApiError, badRequest } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { kindOf } from "./media-errors.ts";
import { type ApiMessage, type ApiPart, contentOf } from "./message-schema.ts";

/**
 * Fetches the file behind an `https:` URL, or throws a RemoteFileError. Without such a function a server takes `data:` URLs
 * only. It decides what clients can make this machine connect to; `fetchRemoteFile`, which comes with the server, connects to public addresses of named hosts alone.
 */
export type RemoteFetch = (
  url: string,
  options: { readonly maxBytes: number; readonly signal: AbortSignal },
) => Promise<Uint8Array>;

/** A message with the bytes of its picture and video files. */
export type ReadMessage = Message<Uint8Array, Uint8Array>;

/** Limits and callbacks of reading images and videos. */
export interface MediaReading {
  readonly limits: Limits;
  readonly remote: RemoteFetch | undefined;
  readonly signal: AbortSignal;
  /** Called with the number of bytes that were fetched; throws where there is no memory for them. */
  readonly onFetched: (bytes: number) => void;
}

/** Frames are decoded one by one, so all of a video or animation may have this many times the pixels of an image. */
const pixelsOfAnimation = 10;

/** Messages as they were read. */
export interface ReadMessages {
  readonly messages: ReadMessage[];
  /** Where each picture and video stood in the request. */
  readonly params: ReadonlyMap<Uint8Array, string>;
  /** Errors for the images and videos that are missing in the messages. */
  readonly problems: readonly ApiError[];
}

/**
 * Messages with the bytes of their pictures and videos, each of which was found to be within the limits by its
 * header; nothing is decoded.
 *
 * @throws ApiError where there are too many
 */
export async function readMessages(
  given: readonly ApiMessage[],
  reading: MediaReading,
): Promise<ReadMessages> {
  const contents = given.map(contentOf);
  const parts = contents.flatMap((content) => (typeof content === "string" ? [] : content));
  requireFew(parts.filter(({ type }) => type !== "text").length, reading.limits.pictures);
  const params = new Map<Uint8Array, string>();
  const problems: ApiError[] = [];
  const read = async (part: ApiPart, param: string): Promise<ReadPart[]> => {
    try {
      const found = await readPart(part, param, reading);
      if (found.type !== "text") params.set(found.type === "image" ? found.image : found.video, param);
      return [found];
    } catch (error) {
      // An abort of the request is no problem of an image.
      if (!(error instanceof ApiError) || reading.signal.aborted) throw error;
      problems.push(error);
      return [];
    }
  };
  const messages: ReadMessage[] = [];
  for (const [i, content] of contents.entries()) {
    const { role } = given[i];
    const readParts: ReadPart[] = [];
    for (const [k, part] of typeof content === "string" ? [] : content.entries()) {
      readParts.push(...(await read(part, `messages[${i}].content[${k}].${part.type}.url`)));
    }
    messages.push({
      role: role === "developer" ? "system" : role,
      content: typeof content === "string" ? textAlone(content) : readParts,
    });
  }
  return { messages, params, problems };
}

/** Empty content is an empty text, which OpenAI's protocol allows for users, too. */
const textAlone = (text: string): ReadMessage["content"] => (text === "" ? [{ type: "text", text }] : text);

type ReadPart = ContentPart<Uint8Array, Uint8Array>;

async function readPart(part: ApiPart, param: string, reading: MediaReading): Promise<ReadPart> {
  if (part.type === "text") return { type: "text", text: part.text };
  return part.type === "image_url"
    ? { type: "image", image: await readPictureBytes(part.image_url.url, param, reading) }
    : { type: "video", video: await readVideoBytes(part.video_url.url, param, reading) };
}

function requireFew(count: number, most: number): void {
  if (count <= most) return;
  throw new ApiError(413, `messages: must have at most ${most} pictures and videos, got ${count}`, {
    param: "messages",
    code: "too_many_pictures",
  });
}

/** The bytes of a picture whose header is within the limits. */
export async function readPictureBytes(
  url: string,
  param: string,
  reading: MediaReading,
): Promise<Uint8Array> {
  const bytes = await bytesOf(url, param, reading);
  await checkPicture(bytes, param, reading.limits);
  return bytes;
}

async function readVideoBytes(url: string, param: string, reading: MediaReading): Promise<Uint8Array> {
  const bytes = await bytesOf(url, param, reading);
  const kind = pictureKind(bytes);
  if (kind === "GIF" || kind === "WebP") {
    const { width, height, pages } = await checkPicture(bytes, param, reading.limits);
    requirePixels(width * height * pages, reading.limits.pixels * pixelsOfAnimation, param);
  }
  return bytes;
}

async function bytesOf(
  url: string,
  param: string,
  { limits, remote, signal, onFetched }: MediaReading,
): Promise<Uint8Array> {
  const maxBytes = limits.pictureBytes;
  const what = kindOf(param);
  if (isDataUrl(url)) {
    const bytes = dataOf(url, param);
    if (bytes.byteLength > maxBytes) throw tooLarge(param, `at most ${maxBytes} bytes`);
    return bytes;
  }
  const refused = (message: string): ApiError =>
    badRequest(`${param}: ${message}`, param, `invalid_${what}_url`);
  if (isBareBase64(url)) {
    const type = what === "image" ? "image/jpeg" : "video/mp4";
    throw refused(
      `must be a data: or https: URL, got base64 alone; write data:${type};base64, in front of it`,
    );
  }
  if (!/^https:/i.test(url)) throw refused("must be a data: or https: URL");
  if (remote === undefined) {
    throw refused("this server fetches nothing from elsewhere; send the file as a data: URL");
  }
  const bytes = await remote(url, { maxBytes, signal }).catch((cause: unknown) => {
    if (!(cause instanceof RemoteFileError)) throw cause;
    const code = `failed_to_download_${what}`;
    throw new ApiError(400, `${param}: ${cause.message}`, { param, code, cause });
  });
  onFetched(bytes.byteLength);
  return bytes;
}

function dataOf(url: string, param: string): Uint8Array {
  try {
    return bytesOfDataUrl(url);
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause;
    throw badRequest(`${param}: ${cause.message}`, param, `invalid_base64_${kindOf(param)}`);
  }
}

function tooLarge(param: string, most: string): ApiError {
  return new ApiError(413, `${param}: must have ${most}, got more`, { param, code: "picture_too_large" });
}

/** A picture's header, if it is of a kind that is taken and its pixels are not too many. */
async function checkPicture(bytes: Uint8Array, param: string, { pixels }: Limits): Promise<ImageHeader> {
  const kind = pictureKind(bytes);
  if (kind === undefined) {
    const found = foundInstead(bytes);
    const message = `${param}: must be a JPEG, PNG, WebP, GIF or AVIF picture, got ${found}`;
    throw badRequest(message, param, `unsupported_${kindOf(param)}_media_type`);
  }
  const header = await readImageHeader(bytes).catch((cause: unknown) => {
    const message = `${param}: must be a whole ${kind} file, got a damaged or cut one`;
    throw new ApiError(400, message, { param, code: `${kindOf(param)}_parse_error`, cause });
  });
  requirePixels(header.width * header.height, pixels, param);
  return header;
}

function requirePixels(found: number, most: number, param: string): void {
  if (found > most) throw tooLarge(param, `at most ${most / 1e6} million pixels`);
}

const takenKinds: ReadonlySet<string> = new Set(["JPEG", "PNG", "WebP", "GIF", "AVIF"]);

/**
 * The kind of an image or video that the server takes, by its content. SVG and other documents are not among them: rendering
 * them runs what the client wrote.
 */
export function pictureKind(bytes: Uint8Array): string | undefined {
  const kind = fileKind(bytes)?.name;
  return kind !== undefined && takenKinds.has(kind) ? kind : undefined;
}
