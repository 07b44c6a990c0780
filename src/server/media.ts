import { fileKind, foundInstead, type PictureHeader, readPictureHeader } from "../platform/index.ts";
import type { Message, Part } from "../prompt/index.ts";
import { ApiError, badRequest } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { ApiMessage } from "./schema.ts";

/**
 * Fetches what an `https:` address names, or refuses to (with a RemoteFileError). A server that is given none takes
 * `data:` URLs only. It decides where requests may lead this machine: {@link fetchRemoteFile} of `platform` is one.
 */
export type RemoteFetch = (
  url: string,
  options: { readonly maxBytes: number; readonly signal: AbortSignal },
) => Promise<Uint8Array>;

/** A message with the bytes of its picture and video files. */
export type ReadMessage = Message<Uint8Array, Uint8Array>;

/** What reading pictures and videos needs to know. */
export interface MediaReading {
  readonly limits: Limits;
  readonly remote: RemoteFetch | undefined;
  readonly signal: AbortSignal;
  /** Told of bytes that were fetched; throws where there is no memory for them. */
  readonly onFetched: (bytes: number) => void;
}

/** A frame of a video or animation is decoded by itself; all of them together may have so many times the pixels. */
const pixelsOfAnimation = 10;

/**
 * Messages with the bytes of their pictures and videos, each of which was found to be within the limits by its
 * header; nothing is decoded.
 *
 * @throws ApiError or RemoteFileError
 */
export async function readMessages(
  messages: readonly ApiMessage[],
  reading: MediaReading,
): Promise<ReadMessage[]> {
  const { limits } = reading;
  const media = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
  const count = media.filter(({ type }) => type !== "text").length;
  if (count > limits.pictures) {
    throw new ApiError(
      413,
      `messages: must have at most ${limits.pictures} pictures and videos, got ${count}`,
      {
        param: "messages",
        code: "too_many_pictures",
      },
    );
  }
  const read: ReadMessage[] = [];
  for (const [i, { role, content }] of messages.entries()) {
    read.push({
      role: role === "developer" ? "system" : role,
      content: typeof content === "string" ? content : await readParts(content, `messages[${i}]`, reading),
    });
  }
  return read;
}

type ApiPart = Exclude<ApiMessage["content"], string>[number];

async function readParts(
  parts: readonly ApiPart[],
  where: string,
  reading: MediaReading,
): Promise<Part<Uint8Array, Uint8Array>[]> {
  const read: Part<Uint8Array, Uint8Array>[] = [];
  for (const [i, part] of parts.entries()) {
    const param = `${where}.content[${i}].${part.type}.url`;
    if (part.type === "text") read.push({ type: "text", text: part.text });
    else if (part.type === "image_url") {
      read.push({ type: "image", image: await readPictureBytes(part.image_url.url, param, reading) });
    } else read.push({ type: "video", video: await readVideoBytes(part.video_url.url, param, reading) });
  }
  return read;
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
  if (/^data:/i.test(url)) return bytesOfDataUrl(url, param, maxBytes);
  if (!/^https:/i.test(url)) throw badRequest(`${param}: must be a data: or https: URL`, param);
  if (remote === undefined) {
    const message = "this server fetches nothing from elsewhere; send the file as a data: URL";
    throw badRequest(`${param}: ${message}`, param);
  }
  const bytes = await remote(url, { maxBytes, signal });
  onFetched(bytes.byteLength);
  return bytes;
}

function bytesOfDataUrl(url: string, param: string, maxBytes: number): Uint8Array {
  const comma = url.indexOf(",");
  const base64 = url.slice(comma + 1);
  if (comma < 0 || !/;base64$/i.test(url.slice(0, comma)) || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw badRequest(`${param}: a data: URL must hold base64, as data:image/png;base64,…`, param);
  }
  if ((base64.length / 4) * 3 > maxBytes + 3) throw tooLarge(param, `at most ${maxBytes} bytes`);
  try {
    return bytesOfText(atob(base64));
  } catch {
    throw badRequest(`${param}: a data: URL must hold whole base64, got one that was cut short`, param);
  }
}

/** One byte for each character. */
function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function tooLarge(param: string, most: string): ApiError {
  return new ApiError(413, `${param}: must have ${most}, got more`, { param, code: "picture_too_large" });
}

/** A picture's header, if it is of a kind that is taken and its pixels are not too many. */
async function checkPicture(bytes: Uint8Array, param: string, { pixels }: Limits): Promise<PictureHeader> {
  const kind = pictureKind(bytes);
  if (kind === undefined) {
    const found = foundInstead(bytes);
    throw badRequest(`${param}: must be a JPEG, PNG, WebP, GIF or AVIF picture, got ${found}`, param);
  }
  const header = await readPictureHeader(bytes).catch((cause: unknown) => {
    const message = `${param}: must be a whole ${kind} file, got a damaged or cut one`;
    throw new ApiError(400, message, { param, cause });
  });
  requirePixels(header.width * header.height, pixels, param);
  return header;
}

function requirePixels(found: number, most: number, param: string): void {
  if (found > most) throw tooLarge(param, `at most ${most / 1e6} million pixels`);
}

const takenKinds: ReadonlySet<string> = new Set(["JPEG", "PNG", "WebP", "GIF", "AVIF"]);

/**
 * Which of the kinds that are taken a file is, by its content. Documents that can be drawn, SVG first of all, are not
 * among them: they are programs for whoever draws them.
 */
export function pictureKind(bytes: Uint8Array): string | undefined {
  const kind = fileKind(bytes)?.name;
  return kind !== undefined && takenKinds.has(kind) ? kind : undefined;
}
