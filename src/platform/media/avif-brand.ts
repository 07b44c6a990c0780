import { fileKind } from "../files/file-kind.ts";

/** Where the major brand stands, behind the first box's length and name. */
const MAJOR = 8;
const AVIF = [0x61, 0x76, 0x69, 0x66];

/**
 * An AVIF file with the major brand `avif`, the only one of several (`avis`, `MA1B`, `miaf`) that all decoders know; some
 * do not look at the other brands, among which it stands. Other files stay as they are.
 */
export function withKnownBrand(bytes: Uint8Array): Uint8Array {
  if (fileKind(bytes)?.name !== "AVIF" || AVIF.every((byte, i) => bytes[MAJOR + i] === byte)) return bytes;
  const known = Uint8Array.from(bytes);
  known.set(AVIF, MAJOR);
  return known;
}
