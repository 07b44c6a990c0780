import { jpegSegments } from "./jpeg.ts";
import { pngChunks } from "./png.ts";

/** A picture file's EXIF orientation, and where it stands. */
export interface Orientation {
  /** 2 to 8: how the stored pixels have to be turned (EXIF 2.3, 4.6.4 A). */
  readonly value: number;
  /** Where the value's two bytes stand, and whether the lower one comes first. */
  readonly at: number;
  readonly isLittleEndian: boolean;
  /** The chunk of a PNG file that it stands in, with its checksum. */
  readonly chunk?: ByteRange | undefined;
}

/** A part of a file, from its first byte to behind its last. */
interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const ORIENTATION = 0x0112;
const SHORT = 3;
const LONG = 4;
/** A PNG file's signature and its first chunk, whose length is fixed. */
const BEHIND_PNG_HEADER = 33;
const EXIF_MARK = "Exif\0\0";

/**
 * The orientation that the EXIF data of a JPEG, PNG or WebP file ask for; undefined where the pixels stand as they are
 * stored. AVIF's own turns are not among them: its decoders always heed them.
 */
export function orientationOf(bytes: Uint8Array): Orientation | undefined {
  const exif = exifOf(bytes);
  return exif && tiffOrientation(bytes, exif);
}

/** Where a file's EXIF data lie. */
function exifOf(bytes: Uint8Array): (ByteRange & { readonly chunk?: ByteRange }) | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const textAt = (at: number, text: string): boolean =>
    [...text].every((c, i) => bytes[at + i] === c.charCodeAt(0));
  const behindMark = (start: number): number => (textAt(start, EXIF_MARK) ? start + EXIF_MARK.length : start);
  if (textAt(0, "\xff\xd8\xff")) {
    for (const { marker, start, end } of jpegSegments(bytes)) {
      if (marker === 0xda) return undefined;
      if (marker === 0xe1 && textAt(start + 4, EXIF_MARK)) return { start: behindMark(start + 4), end };
    }
  } else if (textAt(0, "\x89PNG")) {
    for (const chunk of pngChunks(bytes)) {
      if (chunk.type === "eXIf") return { start: behindMark(chunk.start + 8), end: chunk.end - 4, chunk };
    }
  } else if (textAt(0, "RIFF") && textAt(8, "WEBP")) {
    for (let at = 12; at + 8 <= bytes.length; ) {
      const length = view.getUint32(at + 4, true);
      if (textAt(at, "EXIF")) return { start: behindMark(at + 8), end: at + 8 + length };
      at += 8 + length + (length % 2);
    }
  }
  return undefined;
}

/** Looks the orientation up in the first directory of EXIF data, which are laid out as a TIFF file. */
function tiffOrientation(
  bytes: Uint8Array,
  { start, end, chunk }: ByteRange & { readonly chunk?: ByteRange },
): Orientation | undefined {
  const size = Math.min(end, bytes.length) - start;
  if (size < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, size);
  const isLittleEndian = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, isLittleEndian);
  if (directory + 2 > size) return undefined;
  const entries = view.getUint16(directory, isLittleEndian);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > size) return undefined;
    if (view.getUint16(entry, isLittleEndian) !== ORIENTATION) continue;
    const type = view.getUint16(entry + 2, isLittleEndian);
    // The lower half of a LONG, which the standard does not foresee.
    const offset = entry + (type === LONG && !isLittleEndian ? 10 : 8);
    const value = view.getUint16(offset, isLittleEndian);
    const isTurned = (type === SHORT || type === LONG) && value >= 2 && value <= 8;
    return isTurned ? { value, at: start + offset, isLittleEndian, chunk } : undefined;
  }
  return undefined;
}

/** A file's parts with pixels that stand as stored for every decoder. */
export function withoutOrientation(
  bytes: Uint8Array,
  { at, isLittleEndian, chunk }: Orientation,
): Uint8Array[] {
  // A PNG file's chunks have checksums: the whole one goes.
  if (chunk !== undefined) return [bytes.subarray(0, chunk.start), bytes.subarray(chunk.end)];
  const plain = bytes.slice();
  plain.set(isLittleEndian ? [1, 0] : [0, 1], at);
  return [plain];
}

/** A PNG file with its EXIF data in front of the pixels: they may stand behind, where not every decoder looks. */
export function exifInFront(bytes: Uint8Array): Uint8Array {
  const chunk = orientationOf(bytes)?.chunk;
  if (chunk === undefined) return bytes;
  const { start, end } = chunk;
  const moved = bytes.slice();
  moved.set(bytes.subarray(start, end), BEHIND_PNG_HEADER);
  moved.set(bytes.subarray(BEHIND_PNG_HEADER, start), BEHIND_PNG_HEADER + end - start);
  return moved;
}

/** RGBA pixels, row by row. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Uint16Array;
}

/** Four-channel pixels turned and mirrored as an EXIF orientation says. */
export function turned(pixels: Pixels, orientation: number): Pixels {
  const isTransposed = orientation >= 5;
  const isMirrored = [2, 3, 7, 8].includes(orientation);
  const isUpsideDown = [3, 4, 6, 7].includes(orientation);
  const { width: storedWidth, height: storedHeight, data } = pixels;
  const [width, height] = isTransposed ? [storedHeight, storedWidth] : [storedWidth, storedHeight];
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [across, down] = isTransposed ? [y, x] : [x, y];
      const column = isMirrored ? storedWidth - 1 - across : across;
      const row = isUpsideDown ? storedHeight - 1 - down : down;
      to[y * width + x] = from[row * storedWidth + column];
    }
  }
  return { width, height, channels: pixels.channels, data: new Uint8Array(to.buffer) };
}
