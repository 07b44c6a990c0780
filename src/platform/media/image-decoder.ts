import { withKnownBrand } from "./avif-brand.ts";
import { exifInFront } from "./orientation.ts";

/** The library, which is loaded with the first picture: it takes a tenth of a second. */
const decoder = async () => (await import("sharp")).default;

/** The header of an image file. */
export interface ImageHeader {
  /** `jpeg`, `png`, `webp`, `gif`, `tiff`, `heif`, `svg`, … */
  readonly format: string;
  /** Pixels as stored, before any orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** Whether the pixels are inks instead of light. */
  readonly isCmyk: boolean;
  /** Frames of an animation, pages of a document; 1 for a plain picture. */
  readonly pages: number;
  /** How long an animation takes; undefined for a still picture, and where it is not told. */
  readonly seconds: number | undefined;
  readonly bitsPerSample: number | undefined;
  /** Whether its orientation makes width and height change places. */
  readonly isTurned: boolean;
}

/** Decoded pixels, row by row, channels interleaved. */
export interface DecodedPixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Uint16Array;
}

/**
 * Channels to decode to: `colour` 3 or (with transparency) 4 of 8 bits, gray repeated, wider samples cut to
 * their upper 8 bits; `cmyk` the 4 of CMYK; `gray16` 1 or 2 of 16 bits.
 */
export type Decoding = "colour" | "cmyk" | "gray16";

/** How long browsers show a frame of an animation: one that says nothing of it, or asks for less than a screen can, a tenth of a second. */
const shownFor = (milliseconds: number): number => (milliseconds <= 10 ? 100 : milliseconds);

/** Reads a picture's header; decodes nothing. Throws the decoder's own error where it cannot. */
export async function readImageHeader(bytes: Uint8Array): Promise<ImageHeader> {
  const sharp = await decoder();
  const {
    format,
    width,
    height,
    space,
    bitsPerSample,
    orientation = 1,
    pages = 1,
    delay,
  } = await sharp(withKnownBrand(bytes), {
    limitInputPixels: false,
  }).metadata();
  const seconds = delay && delay.reduce((sum, milliseconds) => sum + shownFor(milliseconds), 0) / 1000;
  const [isCmyk, isTurned] = [space === "cmyk", orientation > 4];
  return { format, width, height, isCmyk, pages, seconds, bitsPerSample, isTurned };
}

/**
 * Decodes a picture (one frame or page of several) without colour management. Damaged data are an error,
 * warnings are not.
 *
 * @param orient whether to turn it as its EXIF orientation says
 * @param maxPixels refuses to decode more
 * @param page which frame or page, the first if absent; frames are shown over those before them
 */
export async function decodePixels(
  bytes: Uint8Array,
  options: { decoding: Decoding; orient: boolean; maxPixels: number; page?: number },
): Promise<DecodedPixels> {
  const { maxPixels, page = 0 } = options;
  const settings = { limitInputPixels: maxPixels, failOn: "error", ignoreIcc: true, page } as const;
  const known = withKnownBrand(bytes);
  const sharp = await decoder();
  const picture = sharp(options.orient ? exifInFront(known) : known, settings);
  if (options.orient) picture.autoOrient();
  if (options.decoding === "cmyk") picture.pipelineColourspace("cmyk").toColourspace("cmyk");
  if (options.decoding === "gray16") picture.toColourspace("grey16");
  picture.raw({ depth: options.decoding === "gray16" ? "ushort" : "uchar" });
  const { data, info } = await picture.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const View = options.decoding === "gray16" ? Uint16Array : Uint8Array;
  const pixels = new View(data.buffer, data.byteOffset, width * height * channels);
  return { width, height, channels, data: pixels };
}
