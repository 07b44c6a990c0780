import { imageSize } from "image-size";
import { withKnownBrand } from "../../media/avif-brand.ts";
import type { DecodedPixels, Decoding, ImageHeader } from "../../media/image-decoder.ts";
import { jpegSize } from "../../media/jpeg.ts";
import { orientationOf, turned, withoutOrientation } from "../../media/orientation.ts";
import { PlatformError } from "../../platform-error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** image-size's names that differ from sharp's. */
const formatNames: Readonly<Record<string, string>> = { jpg: "jpeg", avif: "heif", heic: "heif" };

/** Formats with animations. */
const animated: Readonly<Record<string, string>> = { gif: "image/gif", webp: "image/webp" };

/** Reads a picture's header; decodes nothing. Throws the reader's own error where it cannot. */
export async function readImageHeader(bytes: Uint8Array): Promise<ImageHeader> {
  const { type, width, height } = sizeOf(bytes);
  const mime = animated[type];
  const pages = mime === undefined ? 1 : await frameCount(bytes, mime);
  // What a browser decodes is light, whatever the file's inks and samples.
  const format = formatNames[type] ?? type;
  const isTurned = (orientationOf(bytes)?.value ?? 1) > 4;
  return {
    format,
    width,
    height,
    isCmyk: false,
    pages,
    seconds: undefined,
    bitsPerSample: undefined,
    isTurned,
  };
}

/**
 * Decodes a picture (one frame of several) without colour management: colours under transparency come as exactly as
 * laying them over white needs.
 *
 * @throws PlatformError for what a browser's decoder cannot give (SVG and TIFF in a worker, fidelity "reference")
 */
export async function decodePixels(
  bytes: Uint8Array,
  options: { decoding: Decoding; orient: boolean; maxPixels: number; page?: number },
): Promise<DecodedPixels> {
  const { orient, decoding, page } = options;
  if (decoding !== "colour" || (!orient && page === undefined)) {
    throw new PlatformError(
      'fidelity "reference" needs Node, got a browser, whose decoder applies orientation and transparency itself',
    );
  }
  requireDrawable(sizeOf(bytes).type);
  if (page !== undefined && page > 0) return decodeFrame(bytes, page);
  const orientation = orientationOf(bytes);
  // Browsers heed orientation in some formats only, which differ: none gets to see it.
  const parts = orientation === undefined ? [bytes] : withoutOrientation(bytes, orientation);
  const picture = await createImageBitmap(new Blob(parts as Bytes[]), { colorSpaceConversion: "none" });
  try {
    const pixels = pixelsOf(picture, picture.width, picture.height);
    return orient && orientation !== undefined ? turned(pixels, orientation.value) : pixels;
  } finally {
    picture.close();
  }
}

/** Kind and size as the header says: image-size's, which refuses some JPEG files that decoders read. */
function sizeOf(bytes: Uint8Array): { type: string; width: number; height: number } {
  const size = jpegSize(bytes);
  if (size !== undefined) return { type: "jpeg", ...size };
  const { type = "unknown", width, height } = imageSize(withKnownBrand(bytes));
  return { type, width, height };
}

function requireDrawable(type: string | undefined): void {
  if (type !== "svg" && type !== "tiff") return;
  throw new PlatformError(
    `must be JPEG, PNG, WebP, GIF or AVIF in a browser, got ${type.toUpperCase()}; draw it to a canvas and give that as PNG`,
  );
}

function pixelsOf(picture: CanvasImageSource, width: number, height: number): DecodedPixels {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new PlatformError("needs a 2D canvas, which this browser does not give");
  context.globalCompositeOperation = "copy";
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, channels: 4, data: new Uint8Array(data.buffer) };
}

async function openFrames(bytes: Uint8Array, type: string): Promise<ImageDecoder> {
  const decoder = new ImageDecoder({
    data: bytes as Bytes,
    type,
    colorSpaceConversion: "none",
    preferAnimation: true,
  });
  await decoder.tracks.ready;
  await decoder.completed;
  return decoder;
}

/** Frames of an animation; 1 where the browser cannot tell. */
async function frameCount(bytes: Uint8Array, type: string): Promise<number> {
  if (typeof ImageDecoder === "undefined") return 1;
  const decoder = await openFrames(bytes, type);
  const frames = decoder.tracks.selectedTrack?.frameCount ?? 1;
  decoder.close();
  return frames;
}

/** A frame as it is shown: over those before it. */
async function decodeFrame(bytes: Uint8Array, page: number): Promise<DecodedPixels> {
  const decoder = await openFrames(bytes, animated[sizeOf(bytes).type] ?? "");
  try {
    const { image } = await decoder.decode({ frameIndex: page });
    const pixels = pixelsOf(image, image.displayWidth, image.displayHeight);
    image.close();
    return pixels;
  } finally {
    decoder.close();
  }
}
