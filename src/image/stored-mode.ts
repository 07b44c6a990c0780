import type { ImageHeader } from "../platform/index.ts";

/**
 * How a file stores its pixels, as far as it decides what the reference does with them: `palette` and `bilevel`
 * are resized by nearest neighbour, `alpha` premultiplied, `cmyk` before conversion, `gray16` in 16 bits;
 * `opaque` is all the rest.
 */
export type StoredMode = "opaque" | "alpha" | "palette" | "bilevel" | "cmyk" | "gray16";

const PNG_GRAY = 0;
const PNG_RGB = 2;
const PNG_PALETTE = 3;
const GIF_HEADER_BYTES = 13;

/** The mode of a file. */
export function storedMode(bytes: Uint8Array, header: ImageHeader): StoredMode {
  if (header.isCmyk) return "cmyk";
  if (header.format === "png") return pngMode(bytes);
  if (header.format === "gif") return hasGrayRamp(bytes) ? "opaque" : "palette";
  if (header.format === "tiff" && header.bitsPerSample === 1) return "bilevel";
  return header.format === "tiff" && isPaletteTiff(bytes) ? "palette" : "alpha";
}

/** Bit depth and colour type stand at fixed places of a PNG file. A colour marked transparent is no alpha channel. */
function pngMode(bytes: Uint8Array): StoredMode {
  const [depth, colourType] = bytes.subarray(24, 26);
  if (colourType === PNG_PALETTE) return "palette";
  if (colourType === PNG_RGB) return "opaque";
  if (colourType !== PNG_GRAY) return "alpha";
  if (depth === 16) return "gray16";
  return depth === 1 ? "bilevel" : "opaque";
}

/** Whether a GIF's global palette is 0, 1, 2, … as grays: the reference then takes the indices for a gray picture. */
function hasGrayRamp(bytes: Uint8Array): boolean {
  const flags = bytes[10];
  if ((flags & 0x80) === 0) return false;
  const palette = bytes.subarray(GIF_HEADER_BYTES, GIF_HEADER_BYTES + 3 * 2 ** ((flags & 7) + 1));
  return palette.every((value, i) => value === Math.trunc(i / 3));
}

const TIFF_ENTRY_BYTES = 12;
const TIFF_PHOTOMETRIC = 262;
const TIFF_IS_PALETTE = 3;

/** Looks the photometric interpretation up in the first directory of a TIFF file. */
function isPaletteTiff(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const directory = view.getUint32(4, little);
  const end = Math.min(
    bytes.byteLength,
    directory + 2 + view.getUint16(directory, little) * TIFF_ENTRY_BYTES,
  );
  for (let entry = directory + 2; entry + TIFF_ENTRY_BYTES <= end; entry += TIFF_ENTRY_BYTES) {
    if (view.getUint16(entry, little) === TIFF_PHOTOMETRIC) {
      return view.getUint16(entry + 8, little) === TIFF_IS_PALETTE;
    }
  }
  return false;
}

const GIF_EXTENSION = 0x21;
const GIF_GRAPHIC_CONTROL = 0xf9;

/**
 * A GIF without its first frame's transparent colour, so that decoding shows the colour itself: the reference
 * looks the palette up and nothing else.
 */
export function withoutGifTransparency(bytes: Uint8Array): Uint8Array {
  const flags = bytes[10];
  let at = GIF_HEADER_BYTES + ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));
  while (bytes[at] === GIF_EXTENSION) {
    if (bytes[at + 1] === GIF_GRAPHIC_CONTROL) {
      const opaque = bytes.slice();
      opaque[at + 3] &= ~1;
      return opaque;
    }
    at += 2;
    while (bytes[at] > 0) at += bytes[at] + 1;
    at++;
  }
  return bytes;
}
