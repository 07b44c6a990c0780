import {
  type DecodedPixels,
  type Decoding,
  decodePixels,
  fileKind,
  foundInstead,
  type ImageHeader,
  openFile,
  PlatformError,
  readImageHeader,
  shortened,
  wholeImage,
} from "../platform/index.ts";
import { gifFrames } from "./gif.ts";
import { type StoredMode, storedMode, withoutGifTransparency } from "./stored-mode.ts";

/** A picture that cannot be read; the message names the file and the reason. */
export class ImageError extends Error {
  override name = "ImageError";
}

/** A path, or the bytes of a picture file. */
export type ImageFile = string | Uint8Array;

/**
 * `default`: what a person expects (EXIF orientation applied, transparency over white, palettes smoothed).
 * `reference`: what the released code does, oddities included; see docs/fidelity.md.
 */
export type Fidelity = "default" | "reference";

export interface ReadOptions {
  /** Default: `default`. */
  fidelity?: Fidelity;
  /** Pictures of more pixels are refused before anything is decoded (default 64 million: at most 256 MB decoded). */
  maxPixels?: number;
  /** Larger files are refused before they are read (default 256 MiB). */
  maxBytes?: number;
  /** What errors call the picture (default: its path, or `image bytes`). */
  name?: string | undefined;
}

/** A decoded picture and how its file stored it. */
export interface DecodedImageFile {
  readonly mode: StoredMode;
  readonly pixels: DecodedPixels;
}

export const MAX_PIXELS = 64e6;
export const MAX_BYTES = 2 ** 28;
const FORMATS = "JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG";
const supportedKinds: ReadonlySet<string> = new Set(["JPEG", "PNG", "WebP", "GIF", "AVIF", "TIFF", "SVG"]);

/**
 * Reads and decodes a picture: the first frame of an animation.
 *
 * @throws ImageError naming the file and the reason; memory stays within the two limits
 */
export async function readImage(source: ImageFile, options: ReadOptions = {}): Promise<DecodedImageFile> {
  const { fidelity = "default", maxPixels = MAX_PIXELS, maxBytes = MAX_BYTES } = options;
  const { name = typeof source === "string" ? source : "image bytes" } = options;
  const where = shortened(name);
  const bytes = typeof source === "string" ? await readImageFile(source, maxBytes) : source;
  const header = await headerOf(bytes, where);
  requirePixels(header, where, maxPixels);
  const { width, height } = header;
  try {
    return await decoded(bytes, header, fidelity, maxPixels);
  } catch (error) {
    if (error instanceof PlatformError) throw new ImageError(`${where}: ${error.message}`, { cause: error });
    const kind = fileKind(bytes)?.name ?? header.format.toUpperCase();
    throw new ImageError(
      `${where}: must be a whole ${kind} file, got ${width}×${height} pixels that cannot be decoded${reason(error)}; it is damaged or cut short`,
      { cause: error },
    );
  }
}

/** @throws ImageError where a picture has more pixels */
export function requirePixels({ width, height }: ImageHeader, where: string, maxPixels = MAX_PIXELS): void {
  if (width * height <= maxPixels) return;
  const megapixels = (count: number) => `${Math.round(count / 1e5) / 10} million pixels`;
  throw new ImageError(
    `${where}: must have at most ${megapixels(maxPixels)}, got ${width}×${height} = ${megapixels(width * height)}; make it smaller or raise maxPixels`,
  );
}

async function decoded(
  bytes: Uint8Array,
  header: ImageHeader,
  fidelity: Fidelity,
  maxPixels: number,
): Promise<DecodedImageFile> {
  const asStored = fidelity === "reference";
  if (header.format === "gif" && gifFrames(bytes).whole === 0) {
    throw new RangeError("the file ends inside of its first frame");
  }
  const mode = storedMode(bytes, header);
  const source = asStored && header.format === "gif" ? withoutGifTransparency(bytes) : wholeImage(bytes);
  const options = { decoding: decodingOf(mode, fidelity), orient: !asStored, maxPixels };
  return { mode, pixels: await decodePixels(source, options) };
}

function decodingOf(mode: StoredMode, fidelity: Fidelity): Decoding {
  if (mode === "cmyk") return "cmyk";
  return mode === "gray16" && fidelity === "reference" ? "gray16" : "colour";
}

/**
 * The bytes of a picture's file.
 *
 * @throws ImageError where it is larger than `maxBytes`; FileError where it cannot be read
 */
export async function readImageFile(path: string, maxBytes = MAX_BYTES): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    if (file.size > maxBytes) {
      throw new ImageError(
        `${path}: must have at most ${maxBytes} bytes, got ${file.size}; raise maxBytes to read it`,
      );
    }
    const bytes = new Uint8Array(file.size);
    await file.read(bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

/** A picture's header; ImageError where it is none, or of a kind that is not decoded. */
export async function headerOf(bytes: Uint8Array, where: string): Promise<ImageHeader> {
  const kind = fileKind(bytes)?.name;
  const isSupported = kind !== undefined && supportedKinds.has(kind);
  const refusal = (cause?: unknown): ImageError =>
    isSupported
      ? new ImageError(`${where}: must be a whole ${kind} file, got a damaged or cut one${reason(cause)}`, {
          cause,
        })
      : new ImageError(`${where}: must be a picture (${FORMATS}), got ${foundInstead(bytes)}`, { cause });
  if (!isSupported && !mayBeSvg(kind)) throw refusal();
  try {
    return await readImageHeader(bytes);
  } catch (error) {
    throw refusal(error);
  }
}

/** Whether a decoder that looks further than {@link fileKind} may find a drawing (SVG) in a text. */
function mayBeSvg(kind: string | undefined): boolean {
  return kind === "XML" || kind === "text";
}

/** What the decoder says, in brackets; its general phrases add nothing. */
function reason(error: unknown): string {
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n");
  const text = line.replace(/^Input (buffer|file) has corrupt header:\s*/, "");
  return text === "" || text === "Unknown error" ? "" : ` (${text})`;
}
