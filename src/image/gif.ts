const headerBytes = 13;
const frameBytes = 10;

/** How much of a GIF file is there. */
export interface GifFrames {
  /** Frames with complete data. */
  readonly whole: number;
  /** Whether the file ends inside of the block behind them. The trailer that ends a file may be missing. */
  readonly isCut: boolean;
}

/**
 * Walks a GIF's blocks without decoding them. Decoders show a frame whose data are truncated as far as it goes, without an
 * error (GIF89a specification, sections 15 to 27).
 */
export function gifFrames(bytes: Uint8Array): GifFrames {
  let at = headerBytes + paletteBytes(bytes[headerBytes - 3]);
  let whole = 0;
  while (at < bytes.length) {
    const isFrame = bytes[at] === 0x2c;
    // The trailer, or what is no block: decoders read no further.
    if (!isFrame && bytes[at] !== 0x21) return { whole, isCut: false };
    at += isFrame ? frameBytes + paletteBytes(bytes[at + frameBytes - 1]) + 1 : 2;
    while (bytes[at] > 0) at += bytes[at] + 1;
    if (at >= bytes.length) return { whole, isCut: true };
    at++;
    if (isFrame) whole++;
  }
  return { whole, isCut: at > bytes.length };
}

/** Bytes of the palette that a byte of flags announces. */
function paletteBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}
